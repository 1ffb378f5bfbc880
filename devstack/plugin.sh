# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# DevStack sources this with a mode and, for `stack`, a phase; see README.md beside it.

TROVE_SCHEDULES_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TROVE_SCHEDULES_PANELS=(
    _1711_project_backup_coverage_panel.py
    _1733_project_backup_schedules_panel.py
    _1734_project_backup_policies_panel.py
)

# What DevStack and the other plugins provide.
: "${HORIZON_DIR:=${DEST:?DevStack names the folder of the sources}/horizon}"

function _trove_schedules_enabled_dir {
    echo "$HORIZON_DIR/openstack_dashboard/local/enabled"
}

# The actions trove.* come from mistral-extra, which Mistral's own plugin does not install; that populates Mistral later on.
function install_trove_schedules {
    setup_develop "$TROVE_SCHEDULES_DIR/client"
    if is_service_enabled horizon; then
        setup_develop "$TROVE_SCHEDULES_DIR/dashboard"
    fi
    if is_service_enabled mistral; then
        pip_install mistral-extra
    fi
}

# Mistral's own plugin runs either these and no periodic server, or one process of all components.
function _mistral_has_processes {
    is_service_enabled mistral-api && is_service_enabled mistral-engine \
        && is_service_enabled mistral-executor && is_service_enabled mistral-event-engine
}

# After Mistral's own plugin has written the file, and before it starts the API.
function configure_mistral_periodic {
    iniset "$MISTRAL_CONF_FILE" cron_trigger run_in_api False
}

function start_mistral_periodic {
    run_process mistral-periodic \
        "$MISTRAL_BIN_DIR/mistral-server --config-file $MISTRAL_CONF_FILE --server periodic"
}

# Horizon collects what the panels need when DevStack has configured it, so it is done anew here.
function configure_trove_schedules_dashboard {
    local panel
    for panel in "${TROVE_SCHEDULES_PANELS[@]}"; do
        ln -sfn "$TROVE_SCHEDULES_DIR/dashboard/trove_schedules_dashboard/enabled/$panel" \
            "$(_trove_schedules_enabled_dir)/$panel"
    done
    (
        cd "$HORIZON_DIR" || exit
        export DJANGO_SETTINGS_MODULE=openstack_dashboard.settings
        "$PYTHON" manage.py collectstatic --noinput
        "$PYTHON" manage.py compress --force
    ) || die $LINENO "Horizon can't take in the panels of trove-schedules"
    restart_apache_server
}

function load_trove_schedules_workbook {
    openstack --os-cloud "$TROVE_SCHEDULES_ADMIN_CLOUD" \
        database backup schedule workbook load --public \
        || die $LINENO "Mistral does not take the workbook; is its plugin enabled before this one?"
}

function cleanup_trove_schedules {
    local panel
    for panel in "${TROVE_SCHEDULES_PANELS[@]}"; do
        rm -f "$(_trove_schedules_enabled_dir)/$panel"
    done
}

if is_service_enabled trove-schedules; then
    case "$1 ${2:-}" in
        "stack install")
            echo_summary "Installing trove-schedules"
            install_trove_schedules
            ;;
        "stack post-config")
            if _mistral_has_processes; then
                echo_summary "Leaving Mistral's cron triggers to its periodic server"
                configure_mistral_periodic
            fi
            if is_service_enabled horizon; then
                echo_summary "Adding the panels of trove-schedules to Horizon"
                configure_trove_schedules_dashboard
            fi
            ;;
        "stack extra")
            if _mistral_has_processes; then
                echo_summary "Starting Mistral's periodic server"
                start_mistral_periodic
            fi
            if is_service_enabled mistral && [[ $TROVE_SCHEDULES_LOAD_WORKBOOK == True ]]; then
                echo_summary "Loading the workbook of trove-schedules into Mistral"
                load_trove_schedules_workbook
            fi
            ;;
        "unstack "*)
            if _mistral_has_processes; then
                stop_process mistral-periodic
            fi
            ;;
        "clean "*)
            cleanup_trove_schedules
            ;;
    esac
fi
