import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { asArray, asBytes, decode, fromHex } from '@brume/codec'
import type { RunFolder } from '../runner/run-folder.ts'
import { BallotBox, type Violation } from './ballot-box.ts'
import { readCommittee } from './committee.ts'
import { type FoundEvidence, readEvidence, readMuted } from './evidence.ts'
import { readBlock, readTapped, readVoteAt } from './frames.ts'
import { type FoundRecord, readJournalFolder } from './journal-file.ts'
import { OwnVotes } from './own-votes.ts'
import type { SignedStatement } from './statement.ts'

/** Records of the quorum actor's own journal; payload `[groupId, bytes]`. */
const VOTE_RECORD = 1
const BLOCK_RECORD = 2
const EVIDENCE_RECORD = 4
const NOTE_RECORD = 5
/** `kind u8 ‖ index u8 ‖ count u8 ‖ bytes`: consecutive parts of a record that is too large for one. */
const PART_RECORD = 6
const PART_HEAD_BYTES = 3
/** Of a journal's first record. */
const FIRST_SEQUENCE = 1
const READ_RECORDS: readonly number[] = [VOTE_RECORD, BLOCK_RECORD, EVIDENCE_RECORD, NOTE_RECORD, PART_RECORD]
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
  /** Statements of epochs with another committee than the manifest's: nothing is known of them here. */
  readonly unjudged: number
  /** Keys, in hex, against which peers hold evidence that proves something. */
  readonly blamed: readonly string[]
  /** Peers that know their own journal to be incomplete, and why. */
  readonly muted: readonly { readonly peer: string; readonly epoch: number; readonly reason: string }[]
  /** Heights that are final by the votes received, and the highest of them. */
  readonly finalHeights: number
  readonly heightMax: number
  readonly violations: readonly Violation[]
}

interface Journaled {
  readonly votes: number
  /** By `signer/epoch`. */
  readonly own: ReadonlyMap<string, OwnVotes>
  readonly evidence: readonly (FoundEvidence & { readonly peer: string })[]
  readonly muted: CheckReport['muted']
}

function contentOf(record: FoundRecord, groupId: Uint8Array): Buffer | undefined {
  const [group, bytes] = asArray(decode(record.payload, { bytesMax: RECORD_BYTES_MAX }), 'record', 2)
  if (!Buffer.from(asBytes(group ?? null, 'groupId', 32)).equals(groupId)) return undefined
  return Buffer.from(asBytes(bytes ?? null, 'record', { min: 1, max: RECORD_BYTES_MAX }))
}

function readJournals(run: RunFolder, committee: ReturnType<typeof readCommittee>, all: BallotBox): Journaled {
  const own = new Map<string, OwnVotes>()
  const evidence: (FoundEvidence & { readonly peer: string })[] = []
  const muted: CheckReport['muted'][number][] = []
  let votes = 0
  let parts: Buffer[] = []
  let isWhole = true
  for (const { name } of run.manifest().peers) {
    const records = readJournalFolder(join(run.dataDir(name), 'journal', 'quorum'))
    isWhole = records[0]?.sequence === FIRST_SEQUENCE
    for (const record of records) {
      if (!READ_RECORDS.includes(record.kind)) continue
      const content = contentOf(record, committee.groupId)
      if (content !== undefined) take(name, record.kind, content)
    }
  }
  return { votes, own, evidence, muted }

  function take(name: string, kind: number, content: Buffer): void {
    switch (kind) {
      case VOTE_RECORD:
        votes++
        return takeVote(readVoteAt(content, 0).vote, `journal of ${name}`)
      case BLOCK_RECORD:
        return all.addBlock(readBlock(content), `journal of ${name}`)
      case EVIDENCE_RECORD:
        evidence.push({ ...readEvidence(content), peer: name })
        return
      case PART_RECORD:
        return takePart(name, content)
      default: {
        const note = readMuted(content)
        if (note !== undefined) muted.push({ peer: name, ...note })
      }
    }
  }

  function takePart(name: string, content: Buffer): void {
    const [whole = 0, index = 0, count = 0] = content
    // One whose first parts were let go, or whose last never reached the disk, was not said.
    parts = index === 0 ? [] : parts
    parts.push(content.subarray(PART_HEAD_BYTES))
    if (index === count - 1 && parts.length === count && whole !== PART_RECORD) take(name, whole, Buffer.concat(parts))
  }

  function takeVote(vote: SignedStatement, source: string): void {
    const place = `${vote.signer}/${vote.epoch}`
    const votesOfEpoch = own.get(place) ?? new OwnVotes(isWhole)
    votesOfEpoch.add(vote)
    own.set(place, votesOfEpoch)
    all.add(vote, source)
  }
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
function unjournaled(votes: readonly SignedStatement[], { own }: Journaled): readonly Violation[] {
  const missing = votes.filter((vote) => own.get(`${vote.signer}/${vote.epoch}`)?.lacks(vote) === true)
  return missing.map(({ signer, view, kind }) => ({
    rule: 'vote-not-in-journal',
    member: signer,
    message: `member ${signer} sent a vote of kind ${kind} in view ${view} that its journal does not have`
  }))
}

/** Whoever blames somebody must be able to show why. */
function baseless({ evidence }: Journaled): readonly Violation[] {
  return evidence
    .filter(({ holds }) => !holds)
    .map(({ peer, key, epoch, view }) => ({
      rule: 'evidence-does-not-hold',
      message: `${peer} holds evidence against ${key.slice(0, 16)} in epoch ${epoch}, view ${view} that proves nothing`
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
    unjudged: 0,
    blamed: [],
    muted: [],
    finalHeights: 0,
    heightMax: 0
  }
  if (group === null) return { ...none, violations: [] }
  const committee = readCommittee(fromHex(group.manifest))
  const box = new BallotBox(committee)
  const received = await readReceived(run, box)
  const journals = readJournals(run, committee, box)
  const violations = [...box.violations(), ...unjournaled(received, journals), ...baseless(journals)]
  const heights = box.finalHeights()
  return {
    ok: violations.length === 0 && box.counts.statements > 0,
    runId,
    journaledVotes: journals.votes,
    receivedVotes: received.length,
    ...box.counts,
    blamed: [...new Set(journals.evidence.filter(({ holds }) => holds).map(({ key }) => key))].sort(),
    muted: journals.muted,
    finalHeights: heights.length,
    heightMax: heights.at(-1) ?? 0,
    violations: violations.slice(0, VIOLATIONS_SHOWN)
  }
}
