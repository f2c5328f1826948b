import { asArray, asBytes, asUint, type CborValue, CodecError, compare, equal } from '@brume/codec'

/** Whose commands a group takes: its founding members', those of listed keys, or anybody's. */
export type Admission =
  | { readonly type: 'members' }
  /** Ascending Ed25519 keys, 1 to 1,024. */
  | { readonly type: 'listed'; readonly keys: readonly Uint8Array[] }
  | { readonly type: 'open' }

/** Keys of one list: at 34 bytes each they leave a manifest room for its members. */
const LISTED_MAX = 1_024

const FIELD = { members: 0, listed: 1, open: 2 } as const

/** `[0]`, `[1, [key 32]]` or `[2]`. */
export function admissionField(admission: Admission): CborValue {
  if (admission.type !== 'listed') return [FIELD[admission.type]]
  return [FIELD.listed, [...admission.keys].sort(compare)]
}

/** @throws CodecError */
export function readAdmission(value: CborValue | undefined): Admission {
  const [form, ...rest] = asArray(value, 'admit', { min: 1, max: 2 })
  const type = asUint(form, 'admit', FIELD.open)
  if (type === FIELD.listed) return { type: 'listed', keys: readKeys(asArray(rest, 'listed', 1)[0]) }
  asArray(rest, 'admit', 0)
  return { type: type === FIELD.open ? 'open' : 'members' }
}

function readKeys(value: CborValue | undefined): readonly Uint8Array[] {
  const keys = asArray(value, 'keys', { min: 1, max: LISTED_MAX }).map((key) => asBytes(key, 'key', 32))
  keys.forEach((key, i) => {
    const before = keys[i - 1]
    if (before !== undefined && compare(before, key) >= 0) {
      throw new CodecError('BRUME_CODEC_NOT_CANONICAL', 'listed keys ascend')
    }
  })
  return keys
}

/** Are commands of this key taken? A function of the manifest alone, so that all members say the same at all times. */
export function admits(
  { admit, members }: { readonly admit: Admission; readonly members: readonly { readonly key: Uint8Array }[] },
  client: Uint8Array
): boolean {
  if (admit.type === 'open') return true
  const keys = admit.type === 'listed' ? admit.keys : members.map(({ key }) => key)
  return keys.some((key) => equal(key, client))
}
