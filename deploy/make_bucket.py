"""Make the bucket that the settings' storage is to have, unless it is there: ``python make_bucket.py NAME``."""

import sys

from botocore.exceptions import ClientError
from botocore.session import get_session

from rag_pipeline.settings import load_settings


def main(name: str) -> None:
    """Make it; one that is ours already is no error."""
    settings = load_settings()
    assert settings.s3_access_key_id and settings.s3_secret_access_key
    client = get_session().create_client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )
    try:
        client.create_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


if __name__ == "__main__":
    main(sys.argv[1])
