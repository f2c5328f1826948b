import type { Group } from '@brume/actors/quorum'
import { monotonicMs } from '../harness/clock.ts'
import type { QuorumReport, Stamp, Stamps } from './plan.ts'

/** Stamps what a group says of its blocks, in the very turn it says it. */
export class Recorder {
  #final = () => {}
  #stamps: { started: Stamp[]; notarized: Stamp[]; final: Stamp[]; attested: Stamp[] } = empty()
  #contents: (readonly [digest: string, ids: readonly string[]])[] = []
  #keepContents = false
  #commands = 0
  #nullified = 0

  /** @param final - called at each final block */
  watch(group: Group, final: () => void): void {
    this.#final = final
    group.onEvent((event) => {
      if (event.type === 'proposed') this.#stamps.started.push([event.digest, monotonicMs()])
      else if (event.type === 'notarized') this.#stamps.notarized.push([event.digest, monotonicMs()])
      else if (event.type === 'final') this.#finalized(event.digest, event.commands)
      else if (event.type === 'nullified') this.#nullified += 1
    })
  }

  /** Commands in final blocks, and views nullified, since `begin`. */
  get counts(): { readonly commands: number; readonly nullified: number } {
    return { commands: this.#commands, nullified: this.#nullified }
  }

  begin(keepContents: boolean): void {
    this.#stamps = empty()
    this.#contents = []
    this.#keepContents = keepContents
    this.#commands = 0
    this.#nullified = 0
  }

  /** The certificate of what the program said of a block is here. */
  attested(digest: string): void {
    this.#stamps.attested.push([digest, monotonicMs()])
  }

  take(): Stamps & Pick<QuorumReport, 'attested' | 'contents'> {
    return { ...this.#stamps, contents: this.#contents }
  }

  #finalized(digest: string, ids: readonly string[]): void {
    this.#stamps.final.push([digest, monotonicMs()])
    this.#commands += ids.length
    if (this.#keepContents) this.#contents.push([digest, ids])
    this.#final()
  }
}

const empty = () => ({ started: [], notarized: [], final: [], attested: [] })
