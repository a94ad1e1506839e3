/** Errors and bodies as AWS's REST-JSON has them, for the stand-in. */
import type { IncomingMessage } from 'node:http'
import { messageOf } from '../../../engine/model/error.ts'

/** An error as REST-JSON has it. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export function asAnswer(thrown: unknown) {
  const { status, code, message } = thrown instanceof ApiError ? thrown : new ApiError(500, 'InternalServerErrorException', messageOf(thrown))
  return { status, headers: { 'x-amzn-errortype': code }, body: { message } }
}

export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(Buffer.from(part))
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    throw new ApiError(400, 'BadRequestException', 'The body is no JSON.')
  }
}
