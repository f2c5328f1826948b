import { type Peer, type Ref, verifyProof } from '@brume/peer'
import { assign, setup } from 'xstate'
import type teller from './teller.machine.ts'

const ASK_MS = 5_000
/** Numbers from 1 to this one are added in turn. */
const BY_MAX = 9

/** An actor of the client's peer, which the group tells every sum. */
const ear = setup({
  types: {} as { context: { told: number[] }; events: { type: 'told'; n: number } }
}).createMachine({
  context: { told: [] },
  on: { told: { actions: assign({ told: ({ context, event }) => [...context.told, event.n] }) } }
})

/** The client's books: what it added, what it was answered, what it was told and shown proofs of, and whether that can be right. */
export class Books {
  readonly #client: Peer
  readonly #say: (what: string) => void
  #ref: Ref<typeof teller> | undefined
  #ear: Ref<typeof ear> | undefined
  /** Every sum that was answered. */
  readonly #said = new Set<unknown>()
  #sent = 0
  answered = 0
  /** Sums of what was answered, and of what may have taken effect, once, besides. */
  sum = 0
  openSum = 0
  open = 0
  /** Answers, proven sums and told ones that cannot be right. */
  wrong = 0
  proofs = 0
  finalizersMin = Number.POSITIVE_INFINITY
  attestersMin = Number.POSITIVE_INFINITY

  constructor(client: Peer, say: (what: string) => void) {
    this.#client = client
    this.#say = say
  }

  /** Founds the group. Resolves with its address. */
  async found(members: readonly string[]): Promise<string> {
    const logic = await this.#client.register<typeof ear>(ear, { name: 'ear', version: 1 })
    this.#ear = await this.#client.spawn(logic, { id: 'ear' })
    const input = { ear: this.#ear.address }
    const url = new URL('teller.machine.ts', import.meta.url)
    const options = { name: 'teller', version: 1, sampleInput: input, samples: { add: [{ by: 1 }] } }
    const replicated = await this.#client.register<typeof teller>(url, options)
    const { address } = await this.#client.spawn(replicated, { id: 'drill', input, mode: 'bft', quorum: { members } })
    this.#ref = this.#client.ref<typeof teller>(address)
    return address
  }

  /** Adds one number; true when it was answered in time. */
  async add(): Promise<boolean> {
    const by = 1 + (this.#sent++ % BY_MAX)
    try {
      const n = await this.#ref?.ask({ type: 'add', by }, { timeoutMs: ASK_MS })
      this.sum += by
      this.answered += 1
      this.#said.add(n)
      this.#mustBeRight(n, 'an answer')
      return true
    } catch {
      this.open += 1
      this.openSum += by
      return false
    }
  }

  /** The sum as a stranger would believe it: by the bytes and the address, and nobody to ask. */
  async readProven(): Promise<number> {
    const { address = '' } = this.#ref ?? {}
    const read = await this.#ref?.snapshot({ read: 'certified' })
    if (read === undefined) return Number.NaN
    const { snapshot, finalizers, attesters } = verifyProof(read.proof, address)
    const { n } = (snapshot?.context ?? {}) as { readonly n?: number }
    if (n !== read.context.n) this.#note(`a proof of ${n} came with ${read.context.n}`)
    this.#mustBeRight(n, 'a proof')
    this.proofs += 1
    this.finalizersMin = Math.min(this.finalizersMin, finalizers.length)
    this.attestersMin = Math.min(this.attestersMin, attesters.length)
    return n ?? Number.NaN
  }

  async told(): Promise<readonly number[]> {
    return (await this.#ear?.snapshot())?.context.told ?? []
  }

  /** Are these sums that were answered, each told once, in order? What nobody answered may be among them, too. */
  isTrue(told: readonly number[]): boolean {
    return told.every((n, i) => n > (told[i - 1] ?? 0) && (this.open > 0 || this.#said.has(n)))
  }

  /** Sums that were answered and not told. */
  untold(told: readonly number[]): number {
    return [...this.#said].filter((n) => typeof n === 'number' && !told.includes(n)).length
  }

  /** What was answered has been counted; what is open may have been, once. */
  #mustBeRight(n: unknown, what: string): void {
    if (typeof n === 'number' && n >= this.sum && n <= this.sum + this.openSum) return
    this.#note(`${what} says ${String(n)}, added were ${this.sum}, and ${this.openSum} perhaps`)
  }

  #note(sentence: string): void {
    this.wrong += 1
    this.#say(sentence)
  }
}
