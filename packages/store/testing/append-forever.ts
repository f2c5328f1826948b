import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal, openStore } from '../index.ts'
import { SEGMENT_BYTES_MIN } from '../journal/layout.ts'

/**
 * A process that appends to the journal in the folder named first until it is killed, and says on
 * standard output which sequence was confirmed. A record's payload names its sequence.
 */
const directory = process.argv[2] ?? ''
const store = await openStore(join(directory, 'store'))
const journal = await openJournal({
  directory: join(directory, 'journal'),
  owner: new Uint8Array(32).fill(7),
  store,
  expected: process.argv[3] === 'again',
  segmentBytes: SEGMENT_BYTES_MIN
})
writeSync(1, `verdict ${journal.verdict}\n`)

function appendOne(): void {
  const payload = new Uint8Array(40 + Math.floor(Math.random() * 400))
  const sequence = journal.append(1, payload, (error) => {
    if (error !== undefined) throw error
    writeSync(1, `${sequence}\n`)
    appendOne()
  })
}

for (let lane = 0; lane < 8; lane += 1) appendOne()
