// Numbers as people read them.

export function clock(seconds, digits = 1) {
  const unit = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * unit);
  const minutes = Math.floor(whole / (60 * unit));
  const rest = ((whole - minutes * 60 * unit) / unit).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** What somebody typed as a time, "90", "1:30" or "0:01:30.5"; NaN if it is none. */
export function seconds(text) {
  const parts = text.trim().replace(",", ".").split(":");
  return parts.length <= 3 && parts.every((part) => /^\d+(\.\d*)?$/.test(part))
    ? parts.reduce((sum, part) => 60 * sum + Number(part), 0)
    : NaN;
}

export function left(seconds) {
  if (seconds === null) return "";
  return `${about(seconds)} left`;
}

export function about(seconds) {
  const [unit, word] = seconds < 60 ? [1, "s"] : seconds < 5400 ? [60, "min"] : [3600, "h"];
  return `about ${Math.max(1, Math.round(seconds / unit))} ${word}`;
}

export const times = (factor) => `${factor.toFixed(2)}×`;

export const short = (factor) => `${Number(factor.toFixed(2))}×`;

export const percent = (share) => `${Math.round(100 * share)} %`;

export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} MB` : `${Math.max(1, Math.round(count / 1e3))} kB`;
}

export const LABELS = { natural: "natural", sped_up: "sped up", slow_motion: "slow motion", not_sure: "not sure" };
