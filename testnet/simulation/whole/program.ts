import { type Block, type LeafOutcome, LeafProgram, type LeafState, type ProgramEvent } from '@brume/actors/quorum'
import type { Store } from '@brume/ports'
import { decodeCall } from '@brume/protocols/quorum'

/** Domain of what the program says of its blocks. */
export const LOG_DOMAIN = 'brume/sim-log-attest/1'

/** A command as one process carried it out. */
export interface Line {
  /** Lower-case hex. */
  readonly id: string
  readonly client: string
  readonly session: number
  readonly sequence: number
  readonly text: string
  /** What its client is told. */
  readonly answer: string
}

/** One block as one process carried it out. */
export interface Carried {
  readonly height: number
  readonly digest: string
  readonly lines: readonly Line[]
}

export interface LogProgramOptions {
  /** Where its checkpoints survive a crash; undefined: it forgets, and others restore it. */
  readonly store: Store | undefined
  /** It says of each block something else than it is. */
  readonly lies: boolean
  readonly carried: (block: Carried) => void
  readonly told: (event: ProgramEvent) => void
}

const PLACE_DIGITS = 8
/** Of a longer one only its length is kept: a leaf takes 4 KiB (quorum.md 10). */
const LINE_BYTES_MAX = 1_024
const encoder = new TextEncoder()

/** A log of lines, each in a leaf of its own; the answer to a line is its place in the log. */
export class LogProgram extends LeafProgram {
  readonly #told: LogProgramOptions['told']

  constructor({ store, lies, carried, told }: LogProgramOptions) {
    const execute = (state: LeafState, block: Block): LeafOutcome => {
      const lines = linesOf(state, block, lies)
      carried({ height: block.height, digest: block.digest, lines })
      return {
        changes: lines.map(({ text }, i) => [pathOf(state.size + i), encoder.encode(text)] as const),
        answers: lines.map(({ id, answer }) => [id, encoder.encode(answer)] as const)
      }
    }
    super({ domain: LOG_DOMAIN, accepts: () => true, execute, ...(store === undefined ? {} : { store }) })
    this.#told = told
  }

  override open(
    group: { readonly groupId: Uint8Array; readonly manifest?: Uint8Array },
    emit: (event: ProgramEvent) => void = () => {}
  ): Promise<number> {
    return super.open(group, (event) => {
      this.#told(event)
      emit(event)
    })
  }

  get lines(): readonly string[] {
    return [...this.leaves.values('line/')].map(([, value]) => Buffer.from(value).toString())
  }
}

function linesOf(state: LeafState, { commands }: Block, lies: boolean): readonly Line[] {
  return commands.map(({ id, bytes }, i) => {
    const { client, session, sequence, body } = decodeCall(bytes)
    const text = textOf(id, body)
    const answer = `${state.size + i} ${text}`
    const told = lies ? `${answer}, or so` : answer
    return { id, client: Buffer.from(client).toString('hex'), session, sequence, text, answer: told }
  })
}

/** The line that a command becomes. */
export function textOf(id: string, body: Uint8Array): string {
  return body.length > LINE_BYTES_MAX ? `${id}: ${body.length} bytes` : Buffer.from(body).toString()
}

const pathOf = (place: number): string => `line/${String(place).padStart(PLACE_DIGITS, '0')}`
