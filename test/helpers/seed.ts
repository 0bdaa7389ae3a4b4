/** A fixed seed keeps the gate steady; KNSPAN_SEED looks further. */
export const seed = Number(process.env['KNSPAN_SEED'] ?? 20_261_121);
