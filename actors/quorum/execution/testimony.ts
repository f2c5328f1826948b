import type { Cancel, Clock } from '@brume/ports'
import { type AttestationCertificate, encodeAttestationCertificate, STATEMENT_BYTES_MAX } from '@brume/protocols/quorum'
import type { Archive } from '../checkpoints/archive.ts'
import { QuorumError } from '../errors.ts'
import type { Block, Program } from '../ports.ts'
import { Attestations, ownStatement, type Place } from './attestations.ts'
import type { Seat } from './seat.ts'
import { Statements } from './statements.ts'

export interface TestimonyOptions {
  readonly program: Pick<Program, 'domain' | 'attested'>
  readonly clock: Clock
  readonly archive: Archive
  /** This peer in an epoch; null where it answers for it no more. */
  readonly seatOf: (epoch: number) => Seat | null
  /** More than F have executed a block to something else. */
  readonly diverged: (place: Place) => void
  readonly dropped: (cause: string) => void
  readonly storeFailed: (error: unknown) => void
}

export interface Attested {
  readonly statement: Uint8Array
  readonly certificate: AttestationCertificate
}

/** What members say came of blocks, epoch by epoch, this one among them. */
export class Testimony {
  readonly #options: TestimonyOptions
  readonly #statements: Statements
  readonly #attestations = new Map<number, Attestations>()
  readonly #undo: Cancel[] = []

  constructor(options: TestimonyOptions) {
    this.#options = options
    this.#statements = new Statements(options.archive, options.storeFailed)
  }

  load(): Promise<void> {
    return this.#statements.load()
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo()
    for (const attestations of this.#attestations.values()) attestations.stop()
  }

  /** Nothing that the program has said is repeated from here on. */
  forget(): void {
    for (const epoch of [...this.#attestations.keys()]) this.#retire(epoch)
    this.#statements.clear()
  }

  /** Of an epoch that this peer has a part in, or had a little while ago. */
  of(epoch: number): Attestations | undefined {
    const known = this.#attestations.get(epoch)
    const seat = this.#options.seatOf(epoch)
    if (known !== undefined || seat === null) return known
    const { program, clock, dropped, diverged } = this.#options
    const attestations = new Attestations({ seat, domain: program.domain, clock, dropped, diverged })
    for (const own of this.#statements.of(epoch)) attestations.remember(ownStatement(own, own.statement))
    for (const other of this.#attestations.keys()) if (other < epoch - 1) this.#retire(other)
    this.#attestations.set(epoch, attestations)
    return attestations
  }

  /**
   * What the own program says of a block.
   *
   * @param mayTell - false at and below what a program said that went wrong
   * @param want - it is told once enough have said the same
   * @throws RangeError for more than is signed
   */
  said(
    { epoch, view, height }: Block,
    statement: Uint8Array,
    { mayTell, want }: { mayTell: boolean; want: boolean }
  ): void {
    if (statement.length > STATEMENT_BYTES_MAX) {
      throw new RangeError(`a statement of ${statement.length} bytes, where ${STATEMENT_BYTES_MAX} are the most`)
    }
    this.#statements.add({ epoch, view, height, statement })
    this.of(epoch)?.executed(ownStatement({ view, height }, statement), mayTell)
    if (!want) return
    this.of(epoch)?.want({ view, height }, (certificate) => {
      this.#options.program.attested(height, encodeAttestationCertificate(certificate))
    })
  }

  /** As `Execution.attestation`. @throws QuorumError SYNC */
  async attestation(height: number, timeoutMs: number): Promise<Attested | null> {
    const stored = this.#statements.at(height)
    const attestations = stored === undefined ? undefined : this.of(stored.epoch)
    if (stored === undefined || attestations === undefined) return null
    const { promise, resolve, reject } = Promise.withResolvers<AttestationCertificate>()
    const cancel = attestations.want(stored, resolve)
    const expire = this.#options.clock.after(timeoutMs, () => {
      cancel()
      reject(new QuorumError('BRUME_QUORUM_SYNC', `too few members have attested height ${height} in time`))
    })
    this.#undo.push(expire)
    const certificate = await promise.finally(() => {
      expire()
      this.#undo.splice(this.#undo.indexOf(expire), 1)
    })
    return { statement: stored.statement, certificate }
  }

  #retire(epoch: number): void {
    this.#attestations.get(epoch)?.stop()
    this.#attestations.delete(epoch)
  }
}
