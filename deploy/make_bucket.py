"""Make the bucket of ``RAG_STAGING_URL``, unless it is there: what the compose file's storage needs once."""

from botocore.exceptions import ClientError

from rag_pipeline.settings import load_settings
from rag_pipeline.stores.objects import open_store
from rag_pipeline.stores.objects.s3 import S3Store


def main() -> None:
    """Make it; one that is ours already is no error."""
    settings = load_settings()
    store = open_store(settings, settings.staging_url or "", "RAG_STAGING_URL")
    assert isinstance(store, S3Store), "RAG_STAGING_URL names no bucket."
    try:
        store.client.create_bucket(Bucket=store.folder.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


if __name__ == "__main__":
    main()
