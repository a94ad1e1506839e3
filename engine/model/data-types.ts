/** Pulumi's types of what holds records, on every platform: whoever judges a change asks here. An adopted cluster outlives its resource, but a colour without it is none. */

/** A cluster, by the resource that it goes with. */
export const clusterTypes: readonly string[] = [
  'kbg:index:LocalCluster',
  'kbg:index:ExternalCluster',
  'aws:msk/cluster:Cluster',
  'kubernetes:kafka.strimzi.io/v1:Kafka',
  'kubernetes:kafka.strimzi.io/v1:KafkaNodePool',
]

/** Clusters that a retirement guard always stands before. */
export const guardedClusterTypes: readonly string[] = ['kbg:index:LocalCluster', 'kbg:index:ExternalCluster']

/** What makes colours of clusters that a guard may or may not stand before: beside it there has to be one. */
export const reachedTypes: readonly string[] = ['kbg:index:MskBirth']

/** A topic as a resource. */
export const topicTypes: readonly string[] = ['kafka:index/topic:Topic', 'kubernetes:kafka.strimzi.io/v1:KafkaTopic']

export const dataTypes: readonly string[] = [...clusterTypes, ...topicTypes]
