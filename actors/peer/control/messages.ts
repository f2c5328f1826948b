/** What can be asked on the control socket: one request, one answer. */
const ANSWERED = [
  'id',
  'status',
  'peers',
  'quorum.join',
  'quorum.submit',
  'quorum.read',
  'actors.list',
  'actors.show',
  'actors.ask',
  'actors.at',
  'actors.history',
  'actors.stop',
  'actors.resurrect',
  'actors.move'
] as const

/** These are answered and go on, one line for each thing that happens. */
const STREAMED = ['events', 'actors.tail'] as const

export type Request = (typeof ANSWERED)[number]
export type StreamRequest = (typeof STREAMED)[number]

/** One line of answer. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } }

/** A request is `{"do":"status"}` with its arguments beside; a manifest of 64 KiB as base64 is the longest. */
export const REQUEST_BYTES_MAX = 131_072

/** 2,048 members of 2 KiB, the most a peer holds records of, written as JSON. */
export const ANSWER_BYTES_MAX = 16 * 1_048_576

/** What was asked, with all that was said beside it. */
export interface Asked {
  readonly request: Request | StreamRequest
  readonly args: Arguments
}

/** Not looked at yet: whoever answers reads what it needs. */
export type Arguments = Readonly<Record<string, unknown>>

/** The request in this line, or what is wrong with it. */
export function readRequest(line: string): Asked | { readonly fault: string } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { fault: 'the request is not JSON' }
  }
  const args = typeof value === 'object' && value !== null ? (value as Arguments) : {}
  const known = [...ANSWERED, ...STREAMED]
  const request = known.find((name) => name === args.do)
  return request === undefined ? { fault: `"do" must be one of ${known.join(', ')}` } : { request, args }
}

/** The answer in this line, or undefined when it is none. */
export function readAnswer(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('ok' in value)) return undefined
    if (value.ok === true) return { ok: true, value: 'value' in value ? value.value : undefined }
    const error = 'error' in value ? value.error : undefined
    if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return undefined
    return { ok: false, error: { code: String(error.code), message: String(error.message) } }
  } catch {
    return undefined
  }
}

export const isStream = (request: Request | StreamRequest): request is StreamRequest =>
  STREAMED.some((name) => name === request)
