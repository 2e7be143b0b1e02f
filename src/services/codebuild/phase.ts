import type { Phase } from "./model.ts";

/** A command in a message may be long. */
const MAX_MESSAGE = 4_000;

/** A phase of a build or of a batch that is over. */
export function endedPhase<P extends Pick<Phase, "startTime">>(
  phase: P,
  endTime: number,
  phaseStatus: NonNullable<Phase["phaseStatus"]>,
  context?: { statusCode: string; message: string },
): P & Omit<Phase, "phaseType"> {
  const durationInSeconds = Math.round((endTime - (phase.startTime ?? endTime)) / 1000);
  const { statusCode = "", message = "" } = context ?? {};
  return {
    ...phase,
    phaseStatus,
    endTime,
    durationInSeconds,
    contexts: [{ statusCode, message: message.slice(0, MAX_MESSAGE) }],
  };
}
