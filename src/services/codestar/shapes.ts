/** The shapes of CodeStar's API by hand: its last client package, 3.523.0, has no schemas and is not maintained. */
type Operation<Input, Output> = {
  new (...args: any[]): {
    input: Input;
    resolveMiddleware(...args: any[]): (...args: any[]) => Promise<{ output: Output & { $metadata: unknown } }>;
  };
};

export interface S3Location {
  bucketName?: string;
  bucketKey?: string;
}

export interface Code {
  source: { s3: S3Location } | undefined;
  destination: { codeCommit?: { name: string | undefined }; gitHub?: object } | undefined;
}

export interface Toolchain {
  source: { s3: S3Location } | undefined;
  roleArn?: string;
  stackParameters?: Record<string, string>;
}

export interface CreateProjectInput {
  name: string | undefined;
  id: string | undefined;
  description?: string;
  clientRequestToken?: string;
  sourceCode?: Code[];
  toolchain?: Toolchain;
  tags?: Record<string, string>;
}

interface Page {
  nextToken?: string;
  maxResults?: number;
}

type ProjectRole = "Owner" | "Viewer" | "Contributor";

export interface TeamMemberShape {
  userArn: string | undefined;
  projectRole: string | undefined;
  remoteAccessAllowed?: boolean | undefined;
}

export interface Profile {
  userArn: string | undefined;
  displayName?: string | undefined;
  emailAddress?: string | undefined;
  sshPublicKey?: string | undefined;
}

interface TimedProfile extends Profile {
  createdTimestamp: Date | undefined;
  lastModifiedTimestamp: Date | undefined;
}

/** In the form of an SDK package, so that operations are typed as those of other services are. */
export interface CodeStarModule {
  CreateProjectCommand: Operation<
    CreateProjectInput,
    { id: string; arn: string; clientRequestToken?: string; projectTemplateId?: string }
  >;
  DescribeProjectCommand: Operation<
    { id: string | undefined },
    {
      name?: string;
      id?: string;
      arn?: string;
      description?: string;
      clientRequestToken?: string;
      createdTimeStamp?: Date;
      stackId?: string;
      projectTemplateId?: string;
      status?: { state: string; reason?: string };
    }
  >;
  ListProjectsCommand: Operation<Page, { projects: { projectId: string; projectArn: string }[]; nextToken?: string }>;
  UpdateProjectCommand: Operation<{ id: string | undefined; name?: string; description?: string }, object>;
  DeleteProjectCommand: Operation<
    { id: string | undefined; clientRequestToken?: string; deleteStack?: boolean },
    { stackId?: string; projectArn?: string }
  >;
  ListResourcesCommand: Operation<
    Page & { projectId: string | undefined },
    { resources?: { id: string }[]; nextToken?: string }
  >;
  ListTagsForProjectCommand: Operation<
    Page & { id: string | undefined },
    { tags?: Record<string, string>; nextToken?: string }
  >;
  TagProjectCommand: Operation<
    { id: string | undefined; tags: Record<string, string> | undefined },
    { tags?: Record<string, string> }
  >;
  UntagProjectCommand: Operation<{ id: string | undefined; tags: string[] | undefined }, object>;
  AssociateTeamMemberCommand: Operation<
    TeamMemberShape & { projectId: string | undefined; clientRequestToken?: string },
    { clientRequestToken?: string }
  >;
  UpdateTeamMemberCommand: Operation<
    {
      projectId: string | undefined;
      userArn: string | undefined;
      projectRole?: ProjectRole;
      remoteAccessAllowed?: boolean;
    },
    { userArn?: string; projectRole?: string; remoteAccessAllowed?: boolean }
  >;
  DisassociateTeamMemberCommand: Operation<{ projectId: string | undefined; userArn: string | undefined }, object>;
  ListTeamMembersCommand: Operation<
    Page & { projectId: string | undefined },
    { teamMembers: TeamMemberShape[]; nextToken?: string }
  >;
  CreateUserProfileCommand: Operation<Profile, TimedProfile>;
  UpdateUserProfileCommand: Operation<Profile, TimedProfile>;
  DescribeUserProfileCommand: Operation<{ userArn: string | undefined }, TimedProfile>;
  DeleteUserProfileCommand: Operation<{ userArn: string | undefined }, { userArn: string }>;
  ListUserProfilesCommand: Operation<Page, { userProfiles: Profile[]; nextToken?: string }>;
}
