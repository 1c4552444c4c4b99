/** Days ahead at which people are warned that something runs out; 0 says that it has. */
export const expiryThresholds = [0, 1, 7, 30] as const;
export type ExpiryWarning = (typeof expiryThresholds)[number];

const day = 86_400_000;

/** The smallest threshold that has been crossed: 7 says that seven days or less are left. Null: more than 30 days. */
export function expiryWarning(notAfter: Date, now: Date): ExpiryWarning | null {
  const left = notAfter.getTime() - now.getTime();
  // A certificate is good up to and with its last second.
  if (left < 0) return 0;
  return expiryThresholds.find((days) => days > 0 && left <= days * day) ?? null;
}
