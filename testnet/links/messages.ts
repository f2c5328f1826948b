import type { Shape } from './profiles.ts'

/** What the runner tells the proxy's process; ports are those on which peers really listen. */
export type ToProxy =
  | { readonly type: 'peers'; readonly ports: ReadonlyMap<number, string> }
  /** By `<from> <to>`; a pair that is not there is plain. */
  | { readonly type: 'shapes'; readonly shapes: ReadonlyMap<string, Shape> }
  /** `cut` resets connections and refuses new ones; `block` leaves them open and dead; null: as before. */
  | {
      readonly type: 'fault'
      readonly between: readonly [readonly string[], readonly string[]]
      readonly how: 'cut' | 'block' | null
    }
  | { readonly type: 'ask' }

export type FromProxy =
  | { readonly type: 'listening'; readonly port: number }
  /** Local ports of all connections it has made to peers, closed ones too, and how many it refused. */
  | { readonly type: 'carried'; readonly ports: readonly number[]; readonly refused: number }
