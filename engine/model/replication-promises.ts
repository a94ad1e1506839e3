/** What every platform's brokers promise of replication, as server properties: no acknowledged record is on one broker alone, and no topic is there that nobody declared. A stack can't set them. */
export const replicationPromises: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
}
