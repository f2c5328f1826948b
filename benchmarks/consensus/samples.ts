import type { ConsensusResult } from './result.ts'

/** A result of plain numbers, for tests. */
export function sampleResult(given: Partial<ConsensusResult> = {}): ConsensusResult {
  return {
    n: 4,
    processes: 4,
    binding: 'streams',
    journal: false,
    attests: false,
    deltaMs: 2,
    syncMs: 0,
    notarizedMs: { p50: 5, p99: 9 },
    finalMs: { p50: 8, p99: 16 },
    submitFinalMs: { p50: 10, p99: 20 },
    attestedMs: null,
    ratio: 1.25,
    ratioInterval: [1.22, 1.28],
    ratioByRound: 1.25,
    commandsPerS: 1_000,
    cpuMsPerViewMember: 1,
    cpuMsPerCommandMember: 0.2,
    commandsPerView: 1,
    bytesPerViewMember: 900,
    framesPerViewMember: 7,
    verifiesPerViewMember: 4,
    viewsPerS: 100,
    delta0Ms: 0.5,
    bareMs: { p50: 6, p99: 9 },
    voteSyncMs: 0,
    saturatedFinalMs: { p50: 100, p99: 200 },
    blocks: 200,
    nullified: 0,
    rested: true,
    refused: 0,
    loopDelayMs: 1,
    ...given
  }
}
