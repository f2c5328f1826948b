import { RuntimeError } from './error.ts'

/** Ids come from users and go into logs and the keys of tables. */
const SEGMENT_BYTES_MAX = 64
/** The depth of a tree of actors. */
const SEGMENTS_MAX = 16

const PLAIN_SEGMENT = /^[A-Za-z0-9._~:@()-]{1,64}$/
const PLAIN_BYTE = /[A-Za-z0-9._~:@()-]/

/** One segment of a path for any id of 1 to 64 bytes in UTF-8. @throws RuntimeError `BRUME_RUNTIME_ADDRESS` */
export function encodeSegment(id: string): string {
  if (PLAIN_SEGMENT.test(id)) return assertNoDots(id, id)
  // Each unit is a byte at least; the rest is too long to be looked at.
  if (id.length === 0 || id.length > SEGMENT_BYTES_MAX || !id.isWellFormed()) refuseId(id)
  let [segment, bytes] = ['', 0]
  for (const char of id) {
    const isPlain = PLAIN_BYTE.test(char)
    const spelled = isPlain ? char : escapeBytes(char)
    bytes += isPlain ? 1 : spelled.length / 3
    segment += spelled
  }
  if (bytes > SEGMENT_BYTES_MAX) refuseId(id)
  return segment
}

/** The id that a segment stands for. @throws RuntimeError `BRUME_RUNTIME_ADDRESS` */
export function decodeSegment(segment: string): string {
  if (PLAIN_SEGMENT.test(segment)) return assertNoDots(segment, segment)
  const id = decodeBytes(segment)
  // Lower-case hex, needless escapes, raw characters: whatever encodes otherwise is another spelling.
  if (encodeSegment(id) !== segment) refuseAddress(segment, 'not the one spelling of its id')
  return id
}

/** @throws RuntimeError `BRUME_RUNTIME_ADDRESS` unless it is 1 to 16 segments joined by `/` */
export function assertPath(path: string): void {
  const segments = path.split('/', SEGMENTS_MAX + 1)
  if (segments.length > SEGMENTS_MAX) refuseAddress(path, `more than ${SEGMENTS_MAX} segments`)
  for (const segment of segments) decodeSegment(segment)
}

export function refuseAddress(text: string, reason: string): never {
  throw new RuntimeError('BRUME_RUNTIME_ADDRESS', `not an address: ${text.slice(0, 80)}: ${reason}`)
}

/** Of ASCII too, which `encodeURIComponent` spares in part. */
function escapeBytes(char: string): string {
  const escaped = encodeURIComponent(char)
  return escaped === char ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}` : escaped
}

function decodeBytes(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return refuseAddress(segment, 'not UTF-8 in upper-case hex')
  }
}

function assertNoDots(segment: string, of: string): string {
  return segment === '.' || segment === '..' ? refuseAddress(of, `${segment} is no segment`) : segment
}

function refuseId(id: string): never {
  return refuseAddress(id, `an id takes 1 to ${SEGMENT_BYTES_MAX} bytes of well-formed text`)
}
