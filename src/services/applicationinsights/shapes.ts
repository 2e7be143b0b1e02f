/** The shapes of Application Insights' API by hand: the client package that can be had has no schemas. */
type Operation<Input, Output> = {
  new (...args: any[]): {
    input: Input;
    resolveMiddleware(...args: any[]): (...args: any[]) => Promise<{ output: Output & { $metadata: unknown } }>;
  };
};

export interface Tag {
  Key?: string | undefined;
  Value?: string | undefined;
}

/** What a call may say of an application. */
export interface ApplicationSettings {
  ResourceGroupName?: string | undefined;
  OpsCenterEnabled?: boolean | undefined;
  CWEMonitorEnabled?: boolean | undefined;
  OpsItemSNSTopicArn?: string | undefined;
  SNSNotificationArn?: string | undefined;
  AutoConfigEnabled?: boolean | undefined;
  AttachMissingPermission?: boolean | undefined;
}

interface ApplicationInfo extends ApplicationSettings {
  AccountId?: string;
  LifeCycle?: string;
  Remarks?: string;
  DiscoveryType?: string;
}

interface OfArn {
  ResourceARN: string | undefined;
}

/** In the form of an SDK package, so that operations are typed as those of other services are. */
export interface ApplicationInsightsModule {
  CreateApplicationCommand: Operation<
    ApplicationSettings & { Tags?: Tag[]; AutoCreate?: boolean; GroupingType?: string },
    { ApplicationInfo?: ApplicationInfo }
  >;
  DescribeApplicationCommand: Operation<
    ApplicationSettings & { AccountId?: string },
    { ApplicationInfo?: ApplicationInfo }
  >;
  ListApplicationsCommand: Operation<
    { MaxResults?: number; NextToken?: string; AccountId?: string },
    { ApplicationInfoList?: ApplicationInfo[]; NextToken?: string }
  >;
  UpdateApplicationCommand: Operation<
    ApplicationSettings & { RemoveSNSTopic?: boolean },
    { ApplicationInfo?: ApplicationInfo }
  >;
  DeleteApplicationCommand: Operation<ApplicationSettings, object>;
  ListTagsForResourceCommand: Operation<OfArn, { Tags?: Tag[] }>;
  TagResourceCommand: Operation<OfArn & { Tags: Tag[] | undefined }, object>;
  UntagResourceCommand: Operation<OfArn & { TagKeys: string[] | undefined }, object>;
}
