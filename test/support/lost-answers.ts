/** Connections of a kafkajs client on which answers get lost: the broker has the request, and the client hears nothing of it. */
import { connect, type Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'

/** Kafka's key of a Produce request. */
const produceKey = 0
/** Long enough for a broker of this machine to take the request and write it to its followers. */
const untilTakenMs = 300

export interface LostAnswers {
  readonly socketFactory: ISocketFactory
  /** Whether answers to Produce requests get lost from now on. */
  areLost: boolean
}

/** A connection is closed some time behind the request, and nothing that came in meanwhile is handed on. */
export function lostAnswers(): LostAnswers {
  const answers: LostAnswers = {
    areLost: false,
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect({ host, port }, onConnect)
      const write = socket.write.bind(socket)
      // kafkajs writes a request at once: 4 bytes for its length, then 2 for its key.
      socket.write = ((request: Buffer, ...rest: []) => {
        if (answers.areLost && request.readInt16BE(4) === produceKey) lose(socket)
        return write(request, ...rest)
      }) as Socket['write']
      return socket
    },
  }
  return answers
}

function lose(socket: Socket): void {
  socket.pause()
  setTimeout(() => socket.destroy(new Error('the answer got lost')), untilTakenMs)
}
