import type { Profile } from './distances.ts'
import type { Slice, SliceReport, Stand, Variant } from './plan.ts'

/**
 * What the coordinator and a process of members say to each other over IPC; `index` says which member is
 * meant. Both run this very code, so nothing is validated.
 */

export interface MemberConfig {
  readonly index: number
  readonly members: number
  /** Members that share its process, itself included: what the process uses is divided among them. */
  readonly housemates: number
  /** 32 random bytes: identities, network and groups are made of them. */
  readonly nonce: Uint8Array
  readonly directory: string
  readonly variants: readonly Variant[]
  readonly profile: Profile
}

export interface Contact {
  readonly peer: string
  readonly addresses: readonly string[]
}

export type ToProcess = ToMember & { readonly index: number }
export type FromProcess = FromMember & { readonly index: number }

export type ToMember =
  | { readonly type: 'open'; readonly config: MemberConfig }
  | { readonly type: 'connect'; readonly contacts: readonly Contact[] }
  | { readonly type: 'meet' }
  | { readonly type: 'slice'; readonly slice: Slice }
  | { readonly type: 'where'; readonly variant: string }

export type FromMember =
  | { readonly type: 'opened'; readonly contact: Contact }
  | { readonly type: 'connected' }
  | { readonly type: 'met' }
  | { readonly type: 'sliced'; readonly report: SliceReport }
  | { readonly type: 'stands'; readonly stand: Stand }
  | { readonly type: 'failed'; readonly message: string }
