"""Static files with hashed names, which browsers may cache indefinitely."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):
    """Also rewrite the imports in ES modules to hashed names, which Django does not by default."""

    support_js_module_import_aggregation = True
