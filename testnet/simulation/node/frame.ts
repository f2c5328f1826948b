import type { Certificate, Message } from '@brume/consensus'
import type { SimCommand } from './command.ts'
import type { FinalBlock } from './ledger.ts'

/** What travels between members: the reducer's messages, commands, and blocks by height. */
export type Content =
  | Message
  | { readonly type: 'command'; readonly command: SimCommand }
  | { readonly type: 'ask'; readonly from: number }
  | { readonly type: 'chapter'; readonly blocks: readonly FinalBlock[]; readonly certificate: Certificate | null }

/** With where its sender is. `attempt` tells a resent frame from its first sending, where the network swallows repeats. */
export interface Frame {
  readonly content: Content
  readonly epoch: number
  readonly view: number
  readonly final: number
  readonly attempt: number
}
