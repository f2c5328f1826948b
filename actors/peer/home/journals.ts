import { join } from 'node:path'
import type { Clock, Disk, Journal, JournalVerdict, Log } from '@brume/ports'
import { openJournal } from '@brume/store'
import { type DataDir, diskError } from '../data/index.ts'
import { hasCode } from '../errors.ts'
import { memoryJournal } from './memory-journal.ts'

/**
 * One journal for each system that must not contradict itself. Membership needs its last thousand
 * records, a month of them; votes are done with in seconds: in one file the month would keep the votes.
 */
export interface Journals {
  readonly membership: Journal
  readonly quorum: Journal
  close(): Promise<void>
}

type Name = 'membership' | 'quorum'

export interface JournalsOptions {
  readonly data: DataDir
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  /** A write or sync failed for good. */
  readonly onFailed: (error: Error) => void
}

/** Opens the journals and notes in the identity file that they exist. Rejects with `JournalError` or `BRUME_PEER_DISK_FULL`. */
export async function openJournals(options: JournalsOptions): Promise<Journals> {
  const opened: Journal[] = []
  const close = async (): Promise<void> => void (await Promise.all(opened.map((journal) => journal.close())))
  try {
    const open = async (name: Name): Promise<Journal> => {
      const journal = await openOne(name, options)
      opened.push(journal)
      announce(name, journal.verdict, options)
      return journal
    }
    const membership = await open('membership')
    const quorum = await open('quorum')
    await options.data.markJournalBorn()
    return { membership, quorum, close }
  } catch (error) {
    await close()
    // While a peer runs, a full disk passes; one that cannot begin has nothing to wait for.
    throw hasCode(error, 'BRUME_JOURNAL_FULL') ? diskError(options.data.layout.journal, error) : error
  }
}

/** Those of a peer in memory. */
export function memoryJournals(): Journals {
  const [membership, quorum] = [memoryJournal(), memoryJournal()]
  return { membership, quorum, close: async () => void (await Promise.all([membership.close(), quorum.close()])) }
}

const FOUND: Partial<Record<JournalVerdict, string>> = {
  damaged: 'is damaged',
  lost: 'is lost, or was at an earlier start'
}

/** What follows for the peer's user, who would otherwise see a peer that runs and does not vote. */
const FOLLOWS: Readonly<Record<Name, string>> = {
  membership: 'this peer asks the others what it had said of itself, and goes on above that',
  quorum:
    'this member may have forgotten votes: it abstains and only follows its groups, and votes again from the next epoch that it sees begin'
}

function announce(name: Name, verdict: JournalVerdict, { data, log }: JournalsOptions): void {
  const what = FOUND[verdict]
  if (what === undefined) return
  const folder = join(data.layout.journal, name)
  const kept = verdict === 'damaged' ? ` What was found lies in ${join(folder, 'quarantine')}.` : ''
  log.warn({ journal: name, verdict }, `the ${name} journal ${what}: ${FOLLOWS[name]}.${kept}`)
}

function openOne(name: Name, { data, disk, clock, onFailed }: JournalsOptions): Promise<Journal> {
  const { layout, store, record } = data
  return openJournal({
    directory: join(layout.journal, name),
    owner: record.identity.publicKey,
    store: store.sub(`journal/${name}/`),
    expected: record.journalBorn,
    disk,
    clock,
    onFailed
  })
}
