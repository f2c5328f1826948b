import { Writer } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'
import type { Scope } from '../logic/port.ts'
import type { Batch } from './port.ts'

/** SHA-256 in counter mode under `brume/actor-rng/1`, over `seed 32 ‖ height u64 ‖ index u32 ‖ counter u32`. */
export function draws({ seed, height }: Batch, index: number): Scope['random'] {
  let [counter, at, block] = [0, 32, new Uint8Array(32)]
  return (length) => {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      if (at === 32) {
        const place = new Writer(48).bytes(seed).u64(height).u32(index).u32(counter).finish()
        block = new Uint8Array(hash(DOMAIN.actorRng, place))
        counter += 1
        at = 0
      }
      out[i] = block[at] ?? 0
      at += 1
    }
    return out
  }
}
