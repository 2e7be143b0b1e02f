/** The names under which AWS is reached. */
export const AWS_ZONES = ["amazonaws.com", "on.aws", "cloudfront.net", "amazoncognito.com"] as const;

/** Whether a name is one of AWS's. */
export const isAwsName = (name: string): boolean => AWS_ZONES.some((zone) => name === zone) || isBelowAws(name);

/** Whether a name is below one of AWS's, as all of its services are. */
export const isBelowAws = (name: string): boolean => AWS_ZONES.some((zone) => name.endsWith(`.${zone}`));
