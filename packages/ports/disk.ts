/** An open file. One writer; positions in bytes. Errors are the system's own, with `code` (`EIO`, `ENOSPC`). */
export interface DiskFile {
  /**
   * Writes all bytes and resolves when they are on the medium, as write and fdatasync do. Before
   * that any part of them may be there; after an error nothing is known of them. One at a time.
   */
  commit(position: number, bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** The few file operations an append-only journal needs, so that a simulated disk can lose and tear what a real one might. */
export interface Disk {
  /** Makes the folder and its parents, readable by the owner only. */
  makeDirectory(path: string): Promise<void>
  /** Names of the entries in the folder, sorted. */
  list(path: string): Promise<readonly string[]>
  /** The whole file. */
  read(path: string): Promise<Uint8Array>
  /** An existing file for writing. */
  open(path: string): Promise<DiskFile>
  /** A new file of `bytes` zeros, already synced, so that later syncs have no metadata to write. Replaces an old one. */
  preallocate(path: string, bytes: number): Promise<DiskFile>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Makes earlier creations, renames and unlinks in the folder durable. */
  syncDirectory(path: string): Promise<void>
}
