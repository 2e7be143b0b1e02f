/** The tag that CodeStar puts on all that belongs to a project; its value is the project's ARN. */
export const PROJECT_TAG = "awscodestar:projectArn";
