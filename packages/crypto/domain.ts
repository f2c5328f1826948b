/**
 * Every domain string in use, in one place, so that none is used twice. A signature or hash made for
 * one purpose is worthless for any other, because the domain and a zero byte come first.
 */
export const DOMAIN = {
  net: 'brume/net/1',
  member: 'brume/member/1',
  operator: 'brume/operator/1',
  host: 'brume/host/1',
  vrf: 'brume/vrf/1',
  journal: 'brume/journal/1',
  group: 'brume/group/1',
  quorumNotarize: 'brume/quorum-notarize/1',
  quorumNullify: 'brume/quorum-nullify/1',
  quorumFinalize: 'brume/quorum-finalize/1',
  quorumCheckpoint: 'brume/quorum-checkpoint/1',
  quorumResult: 'brume/quorum-result/1',
  quorumBlock: 'brume/quorum-block/1',
  quorumBody: 'brume/quorum-body/1',
  quorumCommand: 'brume/quorum-command/1',
  quorumCall: 'brume/quorum-call/1',
  quorumCommittee: 'brume/quorum-committee/1',
  quorumLeader: 'brume/quorum-leader/1',
  quorumPresent: 'brume/quorum-present/1',
  quorumRecord: 'brume/quorum-record/1',
  quorumSeed: 'brume/quorum-seed/1',
  quorumState: 'brume/quorum-state/1',
  actorId: 'brume/actor-id/1',
  actorAlias: 'brume/actor-alias/1',
  actorAttest: 'brume/actor-attest/1',
  actorRng: 'brume/actor-rng/1',
  actorLog: 'brume/actor-log/1',
  logic: 'brume/logic/1'
} as const

export type Domain = (typeof DOMAIN)[keyof typeof DOMAIN]
