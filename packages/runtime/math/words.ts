/** The 64 bits of a double, as two halves: big-endian, so that a machine's own order has no part. */
const view = new DataView(new ArrayBuffer(8))

/** Upper 32 bits, signed: sign, 11 of exponent, 20 of fraction. */
export function high(x: number): number {
  view.setFloat64(0, x)
  return view.getInt32(0)
}

/** Lower 32 bits, unsigned. */
export function low(x: number): number {
  view.setFloat64(0, x)
  return view.getUint32(4)
}

export function fromWords(upper: number, lower: number): number {
  view.setInt32(0, upper)
  view.setUint32(4, lower)
  return view.getFloat64(0)
}

export const withHigh = (x: number, upper: number): number => fromWords(upper, low(x))

/** The same with the lower half of its bits zero: products of two such are exact. */
export const head = (x: number): number => fromWords(high(x), 0)

/** x * 2^k, rounded once. */
export function scale(x: number, k: number): number {
  let [value, left] = [x, k]
  for (; left > 1023; left -= 1023) value *= 2 ** 1023
  // In steps that stay normal until the last one, so that the rounding is that one's.
  for (; left < -969; left += 969) value *= 2 ** -969
  return value * fromWords((left + 1023) << 20, 0)
}

/** To the nearest integer, ties to even; for |x| < 2^51. */
export const rint = (x: number): number => x + 6755399441055744 - 6755399441055744
