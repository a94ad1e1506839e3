/** kafkajs' `Kafka` whose producers and consumers follow a fleet's route. */
import kafkajs, { type Admin, type AdminConfig, type ConsumerConfig, type Logger, type ProducerConfig } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { type RoutedConsumer, RoutedKafkaConsumer } from './consumer.ts'
import { DualConsumer, type DualConsumerConfig } from './dual-consumer.ts'
import { kafkajsConfig, type RoutedKafkaConfig, readRouteOptions } from './options.ts'
import { RoutedKafkaProducer, type RoutedProducer } from './producer.ts'
import { RouteSession } from './route-session.ts'
import { systemTiming } from './timing.ts'

/**
 * Use it in kafkajs' place: the configuration is kafkajs' own and goes to both colours unchanged, except `brokers`, which stand in the route. The fleet and the
 * route store come from the configuration or the environment (`KBG_FLEET`, `KBG_ROUTE_STORE`, `KBG_ROUTE_STORE_CREDENTIALS`).
 */
export class Kafka {
  readonly #config: RoutedKafkaConfig
  readonly #session: RouteSession
  readonly #writing: Readonly<Record<Colour, kafkajs.Kafka>>
  readonly #reading: Readonly<Record<Colour, kafkajs.Kafka>>

  /** @throws KbgError `route-options` with every problem at once */
  constructor(config: RoutedKafkaConfig = {}) {
    const options = readRouteOptions(config)
    this.#config = config
    const make = (colour: Colour, kind: 'produceBootstrapServers' | 'consumeBootstrapServers') =>
      new kafkajs.Kafka({ ...kafkajsConfig(config), brokers: async () => [...this.#session.route.colours[colour][kind]] })
    this.#writing = { blue: make('blue', 'produceBootstrapServers'), green: make('green', 'produceBootstrapServers') }
    this.#reading = { blue: make('blue', 'consumeBootstrapServers'), green: make('green', 'consumeBootstrapServers') }
    this.#session = new RouteSession(options, systemTiming, this.logger().namespace('Route'))
  }

  /** A producer that writes to the colour that is open. Idempotent unless `idempotent: false`; topics are never created by it unless `allowAutoTopicCreation`. */
  producer(config: ProducerConfig = {}): RoutedProducer {
    const { clientId = 'kafkajs', retry } = this.#config
    return new RoutedKafkaProducer({ session: this.#session, kafkas: this.#writing, clientId, retry, timing: systemTiming }, config)
  }

  /** A consumer that reads where its group reads. */
  consumer(config: ConsumerConfig): RoutedConsumer {
    const { clientId = 'kafkajs', retry } = this.#config
    const parts = { session: this.#session, kafkas: this.#reading, clientId, restartOnFailure: retry?.restartOnFailure, timing: systemTiming }
    return new RoutedKafkaConsumer(parts, config)
  }

  /**
   * Opt-in: a consumer that reads both colours at the same time and drops second copies.
   *
   * @throws KbgError `dual-consumer-group`
   */
  dualConsumer(config: DualConsumerConfig): DualConsumer {
    const { clientId = 'kafkajs' } = this.#config
    return new DualConsumer({ session: this.#session, kafkas: this.#reading, clientId, timing: systemTiming }, config)
  }

  /** kafkajs' admin client of the colour that is live when it connects. It doesn't follow the route, and needs a connected producer or consumer to know it. */
  admin(config?: AdminConfig): Admin {
    const brokers = async () => {
      const { colours, live } = this.#session.route
      return [...colours[live].produceBootstrapServers]
    }
    return new kafkajs.Kafka({ ...kafkajsConfig(this.#config), brokers }).admin(config)
  }

  logger(): Logger {
    return this.#writing.blue.logger()
  }
}
