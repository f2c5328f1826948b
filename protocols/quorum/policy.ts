import { asArray, asText, asUint, type CborValue, CodecError } from '@brume/codec'
import { MEMBERS_MAX, type Policy, WEIGHT_MAX } from '@brume/consensus'

/** Attributes of a member that conditions can name. */
export const ATTRIBUTES = ['operator', 'site', 'hardware'] as const
type Attribute = (typeof ATTRIBUTES)[number]

const ATTRIBUTE_BYTES_MAX = 64
/** Entries of each list. */
const CONDITIONS_MAX = 4

/** `[classWeights 3, caps, surviveDown, [[attribute, minDistinct]]]`. */
export function policyField({ classWeights, caps, surviveDown, diversity }: Policy): CborValue {
  return [
    [...classWeights],
    [...caps],
    [...surviveDown],
    diversity.map(({ attribute, minDistinct }) => [attribute, minDistinct])
  ]
}

/** @throws CodecError */
export function readPolicy(value: CborValue | undefined): Policy {
  const [weights, caps, surviveDown, diversity] = asArray(value, 'policy', 4)
  const [none, held, trusted] = asArray(weights, 'classWeights', 3)
  const conditions = readList(diversity, 'diversity').map((entry) => {
    const [attribute, minDistinct] = asArray(entry, 'diversity entry', 2)
    return { attribute: readAttribute(attribute), minDistinct: asUint(minDistinct, 'minDistinct', MEMBERS_MAX, 1) }
  })
  const named = conditions.map(({ attribute }) => attribute)
  requireDistinct(named, 'diversity')
  return {
    classWeights: [readWeight(none), readWeight(held), readWeight(trusted)],
    caps: readAttributes(caps, 'caps'),
    surviveDown: readAttributes(surviveDown, 'surviveDown'),
    diversity: conditions
  }
}

function readWeight(value: CborValue | undefined): number {
  return asUint(value, 'class weight', WEIGHT_MAX, 1)
}

function readList(value: CborValue | undefined, what: string): readonly CborValue[] {
  return asArray(value, what, { min: 0, max: CONDITIONS_MAX })
}

function readAttributes(value: CborValue | undefined, what: string): readonly Attribute[] {
  const attributes = readList(value, what).map(readAttribute)
  requireDistinct(attributes, what)
  return attributes
}

function readAttribute(value: CborValue | undefined): Attribute {
  const text = asText(value, 'attribute', ATTRIBUTE_BYTES_MAX)
  const known = ATTRIBUTES.find((attribute) => attribute === text)
  if (known === undefined) throw new CodecError('BRUME_CODEC_SHAPE', `${text} is no attribute of a member`)
  return known
}

function requireDistinct(attributes: readonly Attribute[], what: string): void {
  if (new Set(attributes).size !== attributes.length) {
    throw new CodecError('BRUME_CODEC_SHAPE', `${what} names an attribute twice`)
  }
}
