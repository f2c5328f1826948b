import { TestnetError } from '../errors.ts'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `500ms`, `20s`, `1.5m`, `8h`, in milliseconds. Throws `BRUME_TESTNET_ARGUMENT` for anything else and for 0. */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const durationMs = Number(amount) * (UNIT_MS[unit] ?? Number.NaN)
  if (durationMs > 0) return durationMs
  throw new TestnetError('BRUME_TESTNET_ARGUMENT', `'${text}' is no duration; write 500ms, 20s, 5m or 8h`)
}

/** A whole number within the limits. Throws `BRUME_TESTNET_ARGUMENT` with the option's name. */
export function parseCount(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new TestnetError(
      'BRUME_TESTNET_ARGUMENT',
      `${name} takes a whole number from ${min} to ${max}, not '${text}'`
    )
  }
}

/** A path as given. Throws `BRUME_TESTNET_ARGUMENT` where it is empty, as of an unset variable: that would be this folder. */
export function parsePath(name: string): (text: string) => string {
  return (text) => {
    if (text !== '') return text
    throw new TestnetError('BRUME_TESTNET_ARGUMENT', `${name} takes a path, not an empty one`)
  }
}
