import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { asArray, asBytes, decode, fromHex } from '@brume/codec'
import type { RunFolder } from '../runner/run-folder.ts'
import { BallotBox, type Violation } from './ballot-box.ts'
import { readCommittee } from './committee.ts'
import { readBlock, readTapped, readVoteAt } from './frames.ts'
import { type FoundRecord, readJournalFolder } from './journal-file.ts'
import type { SignedStatement } from './statement.ts'

/** Records of the quorum actor's own journal; payload `[groupId, bytes]`. */
const VOTE_RECORD = 1
const BLOCK_RECORD = 2
const RECORD_BYTES_MAX = 65_536
/** A run that went wrong goes wrong thousandfold; more examples say nothing new. */
const VIOLATIONS_SHOWN = 100

/** What was looked at, and what cannot be. `ok`: something was, and nothing was wrong. */
export interface CheckReport {
  readonly ok: boolean
  readonly runId: string
  readonly journaledVotes: number
  readonly receivedVotes: number
  /** Distinct statements out of both. */
  readonly statements: number
  /** Signatures that were examined and did not hold. */
  readonly forged: number
  /** Heights that are final by the votes received, and the highest of them. */
  readonly finalHeights: number
  readonly heightMax: number
  readonly violations: readonly Violation[]
}

interface Journaled {
  readonly votes: number
  /** Journal's own statements and the lowest view it still has, by signer. */
  readonly bySigner: ReadonlyMap<number, { readonly box: BallotBox; readonly fromView: number }>
}

function contentOf(record: FoundRecord, groupId: Uint8Array): Buffer | undefined {
  const [group, bytes] = asArray(decode(record.payload, { bytesMax: RECORD_BYTES_MAX }), 'record', 2)
  if (!Buffer.from(asBytes(group ?? null, 'groupId', 32)).equals(groupId)) return undefined
  return Buffer.from(asBytes(bytes ?? null, 'record', { min: 1, max: RECORD_BYTES_MAX }))
}

function readJournals(run: RunFolder, committee: ReturnType<typeof readCommittee>, all: BallotBox): Journaled {
  const bySigner = new Map<number, { box: BallotBox; fromView: number }>()
  let votes = 0
  for (const { name } of run.manifest().peers) {
    const records = readJournalFolder(join(run.dataDir(name), 'journal', 'quorum'))
    for (const record of records.filter(({ kind }) => kind === VOTE_RECORD || kind === BLOCK_RECORD)) {
      const content = contentOf(record, committee.groupId)
      if (content === undefined) continue
      if (record.kind === BLOCK_RECORD) {
        all.addBlock(readBlock(content), `journal of ${name}`)
        continue
      }
      const { vote } = readVoteAt(content, 0)
      const own = bySigner.get(vote.signer) ?? { box: new BallotBox(committee), fromView: vote.view }
      own.box.add(vote, `journal of ${name}`)
      bySigner.set(vote.signer, { box: own.box, fromView: Math.min(own.fromView, vote.view) })
      all.add(vote, `journal of ${name}`)
      votes++
    }
  }
  return { votes, bySigner }
}

/** Feeds what each peer received into the box; answers the votes themselves, by signer, each once. */
async function readReceived(run: RunFolder, box: BallotBox): Promise<readonly SignedStatement[]> {
  const received = new Map<string, SignedStatement>()
  for (const { name } of run.manifest().peers) {
    const path = run.votesPath(name)
    if (!existsSync(path)) continue
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const seen = readTapped(frameOf(line))
      if (seen?.block !== undefined) box.addBlock(seen.block, `received by ${name}`)
      for (const vote of seen?.votes ?? []) {
        box.add(vote, `received by ${name}`)
        received.set(`${vote.signer}/${vote.epoch}/${vote.view}/${vote.kind}/${vote.tail}`, vote)
      }
    }
  }
  return [...received.values()]
}

/** SIGKILL may cut a peer's last line. */
function frameOf(line: string): Buffer {
  try {
    return Buffer.from(JSON.parse(line).frame, 'base64')
  } catch {
    return Buffer.alloc(0)
  }
}

/** A vote that others have and its signer's journal has not left before it was on disk. */
function unjournaled(votes: readonly SignedStatement[], { bySigner }: Journaled): readonly Violation[] {
  const missing = votes.filter((vote) => {
    const own = bySigner.get(vote.signer)
    return own !== undefined && vote.view >= own.fromView && !own.box.has(vote)
  })
  return missing.map(({ signer, view, kind }) => ({
    rule: 'vote-not-in-journal',
    member: signer,
    message: `member ${signer} sent a vote of kind ${kind} in view ${view} that its journal does not have`
  }))
}

/**
 * Judges a run by what its peers wrote down and what they received from each other. Received votes are
 * read first: those that arrive meanwhile are then in the journals, not the other way round.
 */
export async function checkRun(run: RunFolder): Promise<CheckReport> {
  const { group, runId } = run.manifest()
  const none = {
    ok: false,
    runId,
    journaledVotes: 0,
    receivedVotes: 0,
    statements: 0,
    forged: 0,
    finalHeights: 0,
    heightMax: 0
  }
  if (group === null) return { ...none, violations: [] }
  const committee = readCommittee(fromHex(group.manifest))
  const box = new BallotBox(committee)
  const received = await readReceived(run, box)
  const journals = readJournals(run, committee, box)
  const violations = [...box.violations(), ...unjournaled(received, journals)]
  const heights = box.finalHeights()
  return {
    ok: violations.length === 0 && box.counts.statements > 0,
    runId,
    journaledVotes: journals.votes,
    receivedVotes: received.length,
    ...box.counts,
    finalHeights: heights.length,
    heightMax: heights.at(-1) ?? 0,
    violations: violations.slice(0, VIOLATIONS_SHOWN)
  }
}
