import { contradictions, type Operation } from '@brume/testkit'
import type { Carried, Line } from '../program.ts'
import { Ballots } from './ballots.ts'
import type { Proofs, Shown } from './proof.ts'

export type WholeCheck =
  | 'double-vote'
  | 'conflicting-finals'
  | 'out-of-order'
  | 'execution'
  | 'command-twice'
  | 'command-lost'
  | 'records'
  | 'roots'
  | 'committees'
  | 'bad-proof'
  | 'answers'
  | 'history'
  | 'memory'
  | 'halted'
  | 'wrong-blame'
  | 'evidence'
  | 'slots'
  /** A run did not bring about what it is there for. */
  | 'stage'
  | 'liveness'
  | 'not-quiet'
  | 'exception'

export interface WholeViolation {
  readonly check: WholeCheck
  readonly atUs: number
  readonly what: string
}

interface Placed extends Line {
  readonly height: number
}

/** What a process says of itself at one moment. */
export interface Seen {
  readonly height: number
  readonly epoch: number
  /** Of the quorum's record at that height. */
  readonly record: string
  /** Members of the epoch with their weights. */
  readonly committee: string
}

/**
 * Judges a run by what left its processes, what their programs were given, what their members say they are, and
 * what clients were told. The first contradiction counts; it knows nothing of how any of it comes about.
 */
export class WholeOracle {
  readonly #nowUs: () => number
  /** Keys, hex, that may be proven to have contradicted themselves. */
  readonly #faulty = new Set<string>()
  /** By slot, how it ended, and what honest replicas computed. */
  readonly #ends = new Map<number, string>()
  readonly #computed = new Map<number, Set<string>>()
  readonly #proofs: Proofs
  readonly #ballots = new Ballots()
  readonly #chain = new Map<number, string>()
  readonly #carried = new Map<number, Carried>()
  readonly #statements = new Map<string, string>()
  readonly #records = new Map<number, string>()
  readonly #committees = new Map<number, string>()
  readonly #placed = new Map<string, Placed>()
  readonly #sessions = new Map<string, number>()
  readonly #lines: Placed[] = []
  /** By id, what clients were told is final, and at which height. */
  readonly #acknowledged = new Map<string, number>()
  /** By id, what clients were told will never be. */
  readonly #refused = new Map<string, string>()
  readonly operations: Operation[] = []
  #violation: WholeViolation | null = null
  #top = 0
  #carriedTo = 0

  constructor(proofs: Proofs, nowUs: () => number) {
    this.#proofs = proofs
    this.#nowUs = nowUs
  }

  get violation(): WholeViolation | null {
    return this.#violation
  }

  /** Height up to which anything is final anywhere. */
  get top(): number {
    return this.#top
  }

  /** Lines that took effect, in order. */
  get log(): readonly string[] {
    return this.#lines.map(({ text }) => text)
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  /** Remembers the first of them: what follows is its consequence. */
  fail(check: WholeCheck, what: string): void {
    this.#violation ??= { check, atUs: this.#nowUs(), what }
  }

  /** Somebody who waits for no answer may have this line ordered, from now on. */
  wrote(line: string): void {
    this.operations.push({ type: 'append', line, startMs: this.#nowUs() / 1_000, endMs: null })
  }

  /** Bytes that left an honest process. */
  sent(process: number, body: Uint8Array, isGossip: boolean): void {
    const found = this.#ballots.sent(process, Buffer.from(body), isGossip)
    if (found !== undefined) this.fail('double-vote', `process ${process}, ${found}`)
  }

  /** A liar's key, or that of a member whose disk forgot. */
  faulty(key: string): void {
    this.#faulty.add(key)
  }

  /** An honest process is told of proof against this key. @param again - in one life and epoch */
  warranted(process: number, key: string, again: boolean): void {
    if (!this.#faulty.has(key)) this.fail('wrong-blame', `process ${process} has proof against an honest key ${key}`)
    if (again) this.fail('evidence', `process ${process} is told twice of ${key}`)
  }

  /** An honest replica computed this for a slot. */
  computed(slot: number, value: string): void {
    const values = this.#computed.get(slot) ?? new Set()
    this.#computed.set(slot, values.add(value))
  }

  /** A slot came to an end at an honest process. */
  decided(process: number, slot: number, type: string, value: string | null): void {
    const end = `${type} ${value ?? ''}`
    const known = this.#ends.get(slot) ?? end
    this.#ends.set(slot, known)
    if (known !== end) this.fail('slots', `slot ${slot} is '${end}' at process ${process}, and '${known}' elsewhere`)
    if (value !== null && this.#computed.get(slot)?.has(value) !== true)
      this.fail('slots', `slot ${slot} is '${value}', which no honest member computed`)
  }

  /** An honest process has this block final. @param last - the height it had before, in this life */
  final(process: number, height: number, digest: string, last: number | null): void {
    const known = this.#chain.get(height) ?? digest
    this.#chain.set(height, known)
    this.#top = Math.max(this.#top, height)
    if (known !== digest) this.fail('conflicting-finals', `height ${height}: process ${process} has another block`)
    if (last !== null && height <= last) this.fail('out-of-order', `process ${process}: ${height} after ${last}`)
  }

  /** The program of an honest process carried out a block. */
  carried(process: number, block: Carried): void {
    const known = this.#carried.get(block.height)
    if (known === undefined) this.#first(process, block)
    else if (known.digest !== block.digest || !sameLines(known.lines, block.lines)) {
      this.fail('execution', `process ${process} carried out height ${block.height} otherwise`)
    }
    if ((this.#chain.get(block.height) ?? block.digest) !== block.digest) {
      this.fail('execution', `process ${process} carried out a block of height ${block.height} that is not final`)
    }
  }

  /** What an honest program says of a height: of its block (`statement`) and of all that is there (`root`). */
  told(process: number, height: number, what: 'statement' | 'root', bytes: Uint8Array): void {
    const said = Buffer.from(bytes).toString('hex')
    const place = `${what} ${height}`
    const known = this.#statements.get(place) ?? said
    this.#statements.set(place, known)
    if (known !== said) this.fail('roots', `process ${process}: another ${what} at height ${height}`)
  }

  saw(process: number, { height, epoch, record, committee }: Seen): void {
    const known = this.#records.get(height) ?? record
    this.#records.set(height, known)
    if (known !== record) this.fail('records', `process ${process}: another record at height ${height}`)
    const seated = this.#committees.get(epoch) ?? committee
    this.#committees.set(epoch, seated)
    if (seated !== committee)
      this.fail('committees', `process ${process}: ${committee} in epoch ${epoch}, not ${seated}`)
  }

  committeeOf(epoch: number): string | undefined {
    return this.#committees.get(epoch)
  }

  /** A client takes this for proof that its command is final. */
  acknowledge(id: string, height: number, bundle: Uint8Array): void {
    const shown = this.#shown(bundle)
    if (shown !== null && shown.height !== height) this.fail('bad-proof', `it shows ${shown.height}, not ${height}`)
    if ((this.#acknowledged.get(id) ?? height) !== height) this.fail('answers', 'one command was final at two heights')
    this.#acknowledged.set(id, height)
    const placed = this.#placed.get(id)
    if (placed !== undefined && placed.height !== height) {
      this.fail('answers', `a command of height ${placed.height} was said to be final at ${height}`)
    }
  }

  /** A client takes this for what became of its command. */
  answer(id: string, height: number, bundle: Uint8Array, leaf: string): void {
    const shown = this.#shown(bundle)
    if (shown !== null && (shown.statement === null || shown.leaf !== leaf)) {
      this.fail('bad-proof', 'the answer is not attested')
    }
    const placed = this.#placed.get(id)
    if (placed === undefined) return this.fail('answers', 'an answer to a command that nobody has carried out')
    if (placed.answer !== leaf || placed.height !== height) {
      this.fail('answers', `'${leaf}' at ${height}, where it is '${placed.answer}' at ${placed.height}`)
    }
  }

  /** A client was told for good that its command will never take effect. */
  refuse(id: string, code: string): void {
    this.#refused.set(id, code)
  }

  /** A client believes that this was the whole log after the block of that height. */
  read(height: number, lines: readonly string[], bundle: Uint8Array | null): void {
    if (bundle !== null) this.#shown(bundle)
    if (height > this.#carriedTo) return
    const then = this.#lines.filter((line) => line.height <= height).map(({ text }) => text)
    const isSame = then.length === lines.length && then.every((line, i) => lines[i] === line)
    if (!isSame) this.fail('answers', `${lines.length} lines at height ${height}, where there were ${then.length}`)
  }

  /** A client that watches was given this block. */
  watched(height: number, digest: string): void {
    if ((this.#chain.get(height) ?? digest) !== digest) this.fail('bad-proof', `a block ${height} that is not final`)
  }

  /** Everybody has come to rest. */
  end(): void {
    for (const [id, height] of this.#acknowledged) {
      if (this.#placed.get(id)?.height !== height) this.fail('command-lost', `${id} was final at ${height} and is not`)
    }
    for (const [id, code] of this.#refused) {
      if (this.#placed.has(id)) this.fail('answers', `${id} was refused as ${code} and took effect`)
    }
    const [first] = contradictions(this.operations, this.log)
    if (first !== undefined) this.fail('history', first)
  }

  #first(process: number, block: Carried): void {
    this.#carried.set(block.height, block)
    if (block.height !== this.#carriedTo + 1) {
      return this.fail(
        'execution',
        `process ${process}: ${block.height} is carried out, ${this.#carriedTo} is the last`
      )
    }
    this.#carriedTo = block.height
    for (const line of block.lines) this.#effective(line, block.height)
  }

  #effective(line: Line, height: number): void {
    const session = `${line.client}/${line.session}`
    const expected = (this.#sessions.get(session) ?? 0) + 1
    if (line.sequence !== expected) {
      this.fail('command-twice', `sequence ${line.sequence} of a session took effect where ${expected} is next`)
    }
    this.#sessions.set(session, line.sequence)
    const placed = { ...line, height }
    this.#placed.set(line.id, placed)
    this.#lines.push(placed)
    const said = this.#acknowledged.get(line.id)
    if (said !== undefined && said !== height) this.fail('answers', `final at ${said}, and carried out at ${height}`)
  }

  #shown(bundle: Uint8Array): Shown | null {
    try {
      const shown = this.#proofs.read(bundle)
      if ((this.#chain.get(shown.height) ?? shown.digest) === shown.digest) return shown
      this.fail('bad-proof', `it shows a block of height ${shown.height} that is not final`)
    } catch (error) {
      this.fail('bad-proof', (error as Error).message)
    }
    return null
  }
}

function sameLines(a: readonly Line[], b: readonly Line[]): boolean {
  return a.length === b.length && a.every((line, i) => line.id === b[i]?.id && line.answer === b[i]?.answer)
}
