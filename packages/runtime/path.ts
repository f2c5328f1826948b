import { RuntimeError } from './error.ts'

/** As the addresses of remote actors will have it, so that every path here fits into one. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~:@()-]{1,64}$/
const SEGMENTS_MAX = 16
const PATH_BYTES_MAX = 512

/** Throws `RuntimeError` unless the path is `segment{/segment}`, 1 to 16 segments of 1 to 64 safe characters. */
export function assertPath(path: string): void {
  const segments = path.split('/')
  if (path.length > PATH_BYTES_MAX || segments.length > SEGMENTS_MAX || !segments.every((part) => SEGMENT.test(part))) {
    const rule = `1 to ${SEGMENTS_MAX} segments of 1 to 64 characters A-Z a-z 0-9 . _ ~ : @ ( ) - joined by /`
    throw new RuntimeError('BRUME_RUNTIME_PATH', `not a path: ${path.slice(0, 80)}; it takes ${rule}`)
  }
}

export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(`${ancestor}/`)
}
