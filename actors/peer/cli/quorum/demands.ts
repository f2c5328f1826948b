import { PeerError } from '../../errors.ts'

/** `site:2`. @throws PeerError USAGE */
export function readDemand(text: string): { readonly attribute: Attribute; readonly minDistinct: number } {
  const [, name = '', count = ''] = /^([a-z]+):(\d{1,3})$/.exec(text) ?? []
  return { attribute: readAttribute(name), minDistinct: Number(count) }
}

const ATTRIBUTES = ['operator', 'site', 'hardware'] as const
export type Attribute = (typeof ATTRIBUTES)[number]

/** @throws PeerError USAGE */
export function readAttribute(text: string): Attribute {
  const known = ATTRIBUTES.find((attribute) => attribute === text)
  if (known === undefined) throw new PeerError('BRUME_PEER_USAGE', `of ${ATTRIBUTES.join(', ')}, as in site or site:2`)
  return known
}
