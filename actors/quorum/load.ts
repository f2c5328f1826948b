import { type Committee, createState, type Final } from '@brume/consensus'
import type { Manifest } from '@brume/protocols/quorum'
import { Delivery } from './blocks/delivery.ts'
import { createJudge, Inspector } from './blocks/judge.ts'
import type { Ledger } from './blocks/ledger.ts'
import { Intake } from './commands/intake.ts'
import { Sessions } from './commands/sessions.ts'
import type { Host } from './host.ts'
import type { Program } from './ports.ts'
import { type Duties, Engine } from './votes/engine.ts'
import { Persistence, remember } from './votes/persist.ts'
import { Sending } from './votes/send.ts'

/** The parts of a group that exist once its past was read. */
export interface Parts {
  readonly engine: Engine
  readonly intake: Intake
  readonly delivery: Delivery
  readonly persistence: Persistence
  readonly sending: Sending
}

export interface LoadOptions {
  readonly host: Host
  readonly manifest: Manifest
  readonly committee: Committee
  readonly self: number | null
  readonly genesis: Final
  readonly ledger: Ledger
  readonly program: Program
  readonly label: { readonly group: string }
  readonly duties: Duties
  readonly failed: (what: 'journal' | 'store' | 'program', error: unknown) => void
}

/**
 * Reads the floor, the sessions and what the journal remembers, opens the program and brings it up to the
 * floor, and puts the parts together.
 *
 * @throws whatever the store or the program says
 */
export async function load(options: LoadOptions): Promise<Parts> {
  const { host, manifest, committee, self, genesis, ledger, program, label, failed } = options
  const final = (await ledger.floor()) ?? genesis
  const sessions = new Sessions(await ledger.sessions())
  const inspector = new Inspector(program)
  const remembered = remember(host.journal, committee.groupId, final.view)
  const delivery = new Delivery({
    ledger,
    program,
    inspector,
    committee,
    sessions,
    onStoreFailure: (error) => failed('store', error),
    onProgramFailure: (error) => failed('program', error)
  })
  const opened = await program.open({ groupId: committee.groupId, program: manifest.program }, (event) => {
    if (event.type === 'failed') failed('program', event.reason)
  })
  await delivery.replay(opened)
  const persistence = new Persistence({
    committee,
    identity: host.identity,
    journal: host.journal,
    signer: self ?? 0,
    muted: self === null || host.muted !== null,
    remembered,
    floorView: final.view,
    onFailure: (error) => failed('journal', error)
  })
  const peers = manifest.members.map(({ peer }) => peer)
  const sending = new Sending(host.reception.channel, peers, self, (type, bytes) => {
    host.meters.frames.inc({ ...label, type, dir: 'out' })
    host.meters.bytes.inc({ ...label, dir: 'out' }, bytes)
  })
  const { deltaMs, minViewMs } = manifest.pace
  const judge = createJudge(manifest, program, inspector)
  const config = { committee, self, genesis, judge, minViewMs, deltaMs }
  const state = createState(config, host.clock.now(), { ...remembered, final })
  const engine = new Engine(state, host.clock, sending, persistence, options.duties)
  const intake = new Intake(committee.groupId, committee.epoch, manifest, inspector, sessions)
  return { engine, intake, delivery, persistence, sending }
}
