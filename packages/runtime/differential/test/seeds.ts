/**
 * Which seeds a test compares: its share at the gate, or, of as many machines as `BRUME_DIFFERENTIAL` says, from
 * `BRUME_DIFFERENTIAL_FROM` on, so that a long run may be cut into pieces.
 *
 * @param part - of those machines
 */
export function seedsOf(atGate: number, part = 1): { readonly from: number; readonly count: number } {
  const { BRUME_DIFFERENTIAL: asked, BRUME_DIFFERENTIAL_FROM: from = '1' } = process.env
  return { from: Number(from), count: asked === undefined ? atGate : Math.ceil(Number(asked) * part) }
}
