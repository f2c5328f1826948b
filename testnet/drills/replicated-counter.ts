import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPeer, type Peer, type Ref, verifyProof } from '@brume/peer'
import type counter from './counter.machine.ts'
import { Member } from './member.ts'

export interface DrillOptions {
  readonly members: number
  /** Members whose machine answers wrongly: the last ones. */
  readonly liars: number
  /** Honest members that are killed with SIGKILL and come back: the first ones. */
  readonly killed: number
  /** Of each of the three parts: all up, some killed, all up again. */
  readonly seconds: number
  readonly say: (line: string) => void
}

/** The last line of `drill --json`. */
export interface DrillResult {
  readonly ok: boolean
  readonly members: number
  readonly liars: number
  readonly killed: number
  /** Weight of faulty members that such a group takes. */
  readonly faults: number
  readonly sent: number
  /** Answered, attested; by part. */
  readonly answered: readonly [all: number, down: number, back: number]
  /** Not answered in time: they may have taken effect, once. */
  readonly open: number
  /** Answers and proven counts that cannot be right. */
  readonly wrong: number
  /** Certified reads whose proof was verified without any peer. */
  readonly proofs: number
  /** Fewest members behind a proof. */
  readonly finalizersMin: number
  readonly attestersMin: number
  readonly sum: number
  readonly count: number
}

const ASK_MS = 5_000
const RETURN_MS = 60_000
const PROOF_EVERY = 10

/**
 * Processes replicate a counter; some lie, some are killed and come back. A client that is no member adds, reads with proof,
 * verifies offline, and keeps the books.
 */
export async function drillCounter(options: DrillOptions): Promise<DrillResult> {
  const folder = await mkdtemp(join(tmpdir(), 'brume-drill-'))
  const network = `drill-${randomBytes(6).toString('hex')}`
  const members = Array.from({ length: options.members }, (_, i) => {
    const isLiar = i >= options.members - options.liars
    return new Member({ dataDir: join(folder, `m${i}`), network, isLiar })
  })
  const client = await createPeer({ profile: 'local', store: 'memory', mdns: false, network, logLevel: 'error' })
  try {
    return await new Drill(options, members, client).run()
  } finally {
    await client.stop()
    await Promise.all(members.map((member) => member.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

class Drill {
  readonly #options: DrillOptions
  readonly #members: readonly Member[]
  readonly #client: Peer
  #ref: Ref<typeof counter> | undefined
  #sent = 0
  #sum = 0
  #open = 0
  #openSum = 0
  #wrong = 0
  #proofs = 0
  #finalizersMin = Number.POSITIVE_INFINITY
  #attestersMin = Number.POSITIVE_INFINITY

  constructor(options: DrillOptions, members: readonly Member[], client: Peer) {
    this.#options = options
    this.#members = members
    this.#client = client
  }

  async run(): Promise<DrillResult> {
    const { members, liars, killed, seconds, say } = this.#options
    await this.#form()
    const all = await this.#add(seconds)
    say(`all up: ${all} answered`)
    const victims = this.#members.slice(0, killed)
    await Promise.all(victims.map((member) => member.kill()))
    const down = await this.#add(seconds)
    say(`${killed} killed: ${down} answered`)
    for (const victim of victims) await this.#bringBack(victim)
    await this.#untilAnswered()
    const back = await this.#add(seconds)
    say(`back: ${back} answered`)
    const count = await this.#readProven()
    const isSum = count >= this.#sum && count <= this.#sum + this.#openSum
    const faults = Math.floor((members - 1) / 3)
    const mayHalt = liars + killed > faults
    const ok = this.#wrong === 0 && isSum && all > 0 && back > 0 && (mayHalt || down > 0)
    return {
      ...{ ok, members, liars, killed, faults, sent: this.#sent, answered: [all, down, back], open: this.#open },
      ...{ wrong: this.#wrong, proofs: this.#proofs, finalizersMin: this.#finalizersMin },
      ...{ attestersMin: this.#attestersMin, sum: this.#sum, count }
    }
  }

  async #form(): Promise<void> {
    for (const member of this.#members) await member.start()
    for (const member of this.#members) {
      await this.#client.dial(member.addresses)
      for (const other of this.#members) if (other !== member) member.dial(other)
    }
    const url = new URL('counter.machine.ts', import.meta.url)
    const samples = { add: [{ by: 1 }] }
    const logic = await this.#client.register<typeof counter>(url, { name: 'counter', version: 1, samples })
    const quorum = { members: this.#members.map(({ id }) => id) }
    const { address } = await this.#client.spawn(logic, { id: 'drill', mode: 'bft', quorum })
    this.#options.say(`${address}, ${this.#members.length} members, ${this.#options.liars} of them lie`)
    this.#ref = this.#client.ref<typeof counter>(address)
  }

  async #bringBack(victim: Member): Promise<void> {
    await victim.start()
    await this.#client.dial(victim.addresses)
    for (const other of this.#members) {
      if (other === victim || !other.isUp) continue
      victim.dial(other)
      other.dial(victim)
    }
  }

  /** One after the other for so long; how many were answered. */
  async #add(seconds: number): Promise<number> {
    const untilMs = performance.now() + seconds * 1_000
    let answered = 0
    while (performance.now() < untilMs) {
      if (await this.#addOne()) answered += 1
      if (answered > 0 && answered % PROOF_EVERY === 0) await this.#tryProof()
    }
    return answered
  }

  async #addOne(): Promise<boolean> {
    const by = 1 + (this.#sent % 9)
    this.#sent += 1
    try {
      const n = await this.#ref?.ask({ type: 'add', by }, { timeoutMs: ASK_MS })
      this.#sum += by
      this.#mustBeRight(n, 'an answer')
      return true
    } catch {
      this.#open += 1
      this.#openSum += by
      return false
    }
  }

  async #untilAnswered(): Promise<void> {
    const untilMs = performance.now() + RETURN_MS
    while (!(await this.#addOne()) && performance.now() < untilMs) await sleep(100)
  }

  async #tryProof(): Promise<void> {
    // While too few are up to prove anything, none comes.
    await this.#readProven().catch(() => {})
  }

  async #readProven(): Promise<number> {
    const { address = '' } = this.#ref ?? {}
    const read = await this.#ref?.snapshot({ read: 'certified' })
    if (read === undefined) return Number.NaN
    // As a stranger would: the bytes and the address, and nobody to ask.
    const { snapshot, finalizers, attesters } = verifyProof(read.proof, address)
    const { n } = (snapshot?.context ?? {}) as { readonly n?: number }
    if (n === undefined || n !== read.context.n) this.#wrong += 1
    this.#mustBeRight(n, 'a proof')
    this.#proofs += 1
    this.#finalizersMin = Math.min(this.#finalizersMin, finalizers.length)
    this.#attestersMin = Math.min(this.#attestersMin, attesters.length)
    return n ?? Number.NaN
  }

  /** What was answered has been counted; what is open may have been, once. */
  #mustBeRight(n: unknown, what: string): void {
    if (typeof n === 'number' && n >= this.#sum && n <= this.#sum + this.#openSum) return
    this.#wrong += 1
    this.#options.say(`WRONG: ${what} says ${String(n)}, added were ${this.#sum}, and ${this.#openSum} perhaps`)
  }
}
