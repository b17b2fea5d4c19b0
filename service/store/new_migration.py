"""For developers: write the migration from the newest version to what the tables say now.

    python -m streetsight.service.store.new_migration "Candidates"

Read what it wrote: Alembic does not see renames, and data is yours to move.
"""

import sys
import tempfile

from alembic import command

from streetsight.service.store.database import Database
from streetsight.service.store.migrating import migrate, migration_config, needed_version


def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database, config = Database(f"sqlite:///{folder}/empty.sqlite"), migration_config()
        number = int(needed_version() or 0) + 1
        if number > 1:
            migrate(database)
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
        database.close()


if __name__ == "__main__":
    main(sys.argv[1])
