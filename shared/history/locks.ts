/** The advisory locks of the history, by number: 'knsp' in ASCII, then one each. */
const family = 0x6b6e_7370 * 16;

export const migrationLock = family + 1;
/** Who makes partitions and clusters. */
export const partitionLock = family + 2;
/** Who drops what is older than the retention. */
export const retentionLock = family + 3;
/** Who has a data folder open. */
export const folderLock = family + 4;
