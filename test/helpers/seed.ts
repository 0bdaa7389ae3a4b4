/** A fixed seed keeps the suite deterministic; KNSPAN_SEED sets another one. */
export const seed = Number(process.env['KNSPAN_SEED'] ?? 20_261_121);
