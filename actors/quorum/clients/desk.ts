import type { Certificate, Final } from '@brume/consensus'
import type { Cancel } from '@brume/ports'
import { ANSWER_BYTES_MAX, type ClientAnswer, type ClientRequest, READ_LEAVES_MAX } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { Server } from './line.ts'
import { Orders, refusalOf } from './orders.ts'
import type { Chapter, Delivered, DeskPorts } from './ports.ts'
import { Proofs, placeOf } from './proofs.ts'

type Tell = (answer: ClientAnswer) => void
type ReadRequest = Extract<ClientRequest, { type: 'read' }>
type BlocksRequest = Extract<ClientRequest, { type: 'blocks' }>

/** Clients that wait for the next final block. */
const WATCHING_MAX = 256

const NOTHING: Cancel = () => {}

/** Where a member serves the clients of one group, its own user among them. */
export class Desk implements Server {
  readonly #ports: DeskPorts
  readonly #orders: Orders
  readonly #proofs: Proofs
  readonly #watching = new Set<() => void>()

  constructor(ports: DeskPorts) {
    this.#ports = ports
    this.#proofs = new Proofs(ports)
    this.#orders = new Orders(ports, this.#proofs)
  }

  notarized(block: Delivered['proposal'], certificate: Certificate | undefined): void {
    this.#orders.notarized(block, certificate)
  }

  /** Blocks that became final, oldest first, with the commands that took effect, and the newest of them. */
  finalized(blocks: readonly Delivered[], final: Final): void {
    this.#orders.finalized(blocks, final)
    for (const go of [...this.#watching]) go()
  }

  serve(request: ClientRequest, tell: Tell): Cancel {
    const { number } = request
    switch (request.type) {
      case 'order':
        return this.#orders.take(request, tell)
      case 'read':
        this.#read(request).then(tell, (error: unknown) => this.#refuse(number, error, tell))
        return NOTHING
      case 'blocks':
        return this.#blocks(request, tell)
      case 'fence':
        return this.#fence(number, tell)
      case 'manifest':
        tell({ number, type: 'manifest', manifest: this.#ports.manifest })
        return NOTHING
      case 'forget':
        return NOTHING
    }
  }

  #fence(number: number, tell: Tell): Cancel {
    const own = this.#ports.mayFence() ? this.#ports.fences.own() : Promise.reject(notVoting())
    own.then(
      (certificate) => tell({ number, type: 'fenced', certificate }),
      (error: unknown) => this.#refuse(number, error, tell)
    )
    return NOTHING
  }

  #refuse(number: number, error: unknown, tell: Tell): void {
    tell(refusalOf(number, error, this.#ports.floor().height))
  }

  async #read({ number, epoch, level, atLeast, paths }: ReadRequest): Promise<ClientAnswer> {
    const refused = this.#ports.refusal()
    if (refused !== null) throw new QuorumError(refused.code, refused.message)
    if (level === 'certified') {
      const shown = await this.#proofs.leaves(paths, atLeast, epoch)
      if (shown === null)
        return { number, type: 'leaves', height: this.#ports.floor().height, leaves: null, bundle: null }
      return fitting({ number, type: 'leaves', ...shown })
    }
    const from = level === 'final' ? Math.max(atLeast, await this.#linearize()) : atLeast
    const leaves = await this.#ports.outcomes.read(paths, from, false)
    const height = leaves?.[0]?.height ?? this.#ports.floor().height
    return fitting({ number, type: 'leaves', height, leaves: leaves?.map(placeOf) ?? null, bundle: null })
  }

  /** A height at which everything that was final when this was called has been final. */
  async #linearize(): Promise<number> {
    const { fences } = this.#ports
    return fences.passed(await fences.gather())
  }

  #blocks({ number, epoch, from }: BlocksRequest, tell: Tell): Cancel {
    let cancelled = false
    const go = (): void => {
      this.#chapter(from)
        .then(async (chapter) => {
          if (cancelled || chapter === undefined) return
          this.#watching.delete(go)
          cancelled = true
          const bundle = await this.#proofs.bundle(epoch, chapter)
          tell({ number, type: 'blocks', bundle, payloads: upTo(ANSWER_BYTES_MAX, chapter) })
        })
        .catch((error: unknown) => {
          this.#watching.delete(go)
          this.#refuse(number, error, tell)
        })
    }
    if (this.#watching.size >= WATCHING_MAX) {
      this.#refuse(number, new QuorumError('BRUME_QUORUM_RATE', 'too many watch here; ask another member'), tell)
      return NOTHING
    }
    this.#watching.add(go)
    go()
    return () => {
      cancelled = true
      this.#watching.delete(go)
    }
  }

  async #chapter(from: number): Promise<Chapter | undefined> {
    const chapter = await this.#ports.history.chapter(from)
    if (chapter === undefined && from <= this.#ports.floor().height) {
      throw new QuorumError('BRUME_QUORUM_PRUNED', `the block of height ${from} is not kept here`)
    }
    return chapter
  }
}

function notVoting(): QuorumError {
  return new QuorumError('BRUME_QUORUM_SYNCING', 'this member does not vote now')
}

/** As many payloads, at least one, as this many bytes hold. */
function upTo(bytesMax: number, { blocks }: Chapter): readonly Uint8Array[] {
  let bytes = 0
  const end = blocks.findIndex(({ payload }, i) => {
    bytes += payload.length
    return i > 0 && bytes > bytesMax
  })
  return blocks.slice(0, end === -1 ? blocks.length : end).map(({ payload }) => payload)
}

function fitting(answer: Extract<ClientAnswer, { type: 'leaves' }>): ClientAnswer {
  const leaves = answer.leaves ?? []
  const bytes = leaves.reduce((sum, { leaf, path }) => sum + leaf.length + 32 * path.length, 0)
  if (leaves.length > READ_LEAVES_MAX || bytes > ANSWER_BYTES_MAX) {
    throw new QuorumError('BRUME_QUORUM_TOO_LARGE', 'these paths stand for more than one answer holds: ask for fewer')
  }
  return answer
}
