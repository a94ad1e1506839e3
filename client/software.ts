/** What a registration says about the software that it runs. */
export const software = `@kafka-blue-green/client 0.1.0, kafkajs 2.2.4, node ${process.versions.node}`
