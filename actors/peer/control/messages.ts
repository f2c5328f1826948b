/** What can be asked on the control socket: one request, one answer; `events` then streams. */
const REQUESTS = ['id', 'status', 'peers', 'events'] as const

export type Request = (typeof REQUESTS)[number]

/** One line of answer. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } }

/** A request is `{"do":"status"}`; 1 KiB leaves room for arguments to come. */
export const REQUEST_BYTES_MAX = 1_024

/** 2,048 members of 2 KiB, the most a peer holds records of, written as JSON. */
export const ANSWER_BYTES_MAX = 16 * 1_048_576

/** The request in this line, or what is wrong with it. */
export function readRequest(line: string): Request | { readonly fault: string } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { fault: 'the request is not JSON' }
  }
  const asked = typeof value === 'object' && value !== null && 'do' in value ? value.do : undefined
  return REQUESTS.find((request) => request === asked) ?? { fault: `"do" must be one of ${REQUESTS.join(', ')}` }
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
