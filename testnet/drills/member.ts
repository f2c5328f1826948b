import { Forked } from '../actors/forked.ts'
import type { Character, MemberAnswer, MemberConfig, MemberOrder, MemberReport } from './member-main.ts'

const MAIN = new URL('member-main.ts', import.meta.url)
/** Of what a peer does within seconds, on a machine that does much else. */
const WITHIN_MS = 240_000

/** A member of a drill. */
export class Member extends Forked<MemberOrder, MemberAnswer> {
  readonly #dataDir: string
  readonly #network: string
  id = ''
  addresses: readonly string[] = []

  constructor(name: string, dataDir: string, network: string) {
    super({ name, main: MAIN, withinMs: WITHIN_MS })
    this.#dataDir = dataDir
    this.#network = network
  }

  /** Rejects with `TestnetError` where it is not there in time. */
  async start(character: Character = {}): Promise<void> {
    const config: MemberConfig = { dataDir: this.#dataDir, network: this.#network, character }
    this.launch([JSON.stringify(config)])
    const { id, addresses } = await this.said('up', ({ up }) => up)
    Object.assign(this, { id, addresses })
  }

  /** Keeps it connected to that one. */
  dial({ addresses }: Member): void {
    this.say({ dial: addresses })
  }

  /** What it has seen by now; nothing of one that is down. */
  async report(): Promise<MemberReport | undefined> {
    return this.asked({ report: true }, 'report').catch(() => undefined)
  }
}
