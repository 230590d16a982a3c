# The environment of the project's own .venv. To be sourced in bash, not run:   . scripts/env.sh
#
# Puts .venv first on PATH and makes the ROS 2 in it the only one in sight. A ROS 2 that this shell
# has sourced would lend its libraries, of the same names and another version, so this shell forgets
# it (others do not). To work with that ROS 2 instead: colcon build, and do not source this.
# Transports and log folder get a value where the user has set none.

_dvd_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

_dvd_libraries=
IFS=: read -ra _dvd_entries <<< "${LD_LIBRARY_PATH:-}"
IFS=: read -ra _dvd_prefixes <<< "${AMENT_PREFIX_PATH:-}"
for _dvd_entry in "${_dvd_entries[@]}"; do
  for _dvd_prefix in "${_dvd_prefixes[@]}"; do
    [[ $_dvd_entry/ == "$_dvd_prefix"/* ]] && continue 2
  done
  [ -n "$_dvd_entry" ] && _dvd_libraries+=${_dvd_libraries:+:}$_dvd_entry
done
if [ -n "$_dvd_libraries" ]; then
  export LD_LIBRARY_PATH=$_dvd_libraries
else
  unset LD_LIBRARY_PATH
fi
unset _dvd_libraries _dvd_entries _dvd_prefixes _dvd_entry _dvd_prefix

unset PYTHONPATH PYTHONHOME CMAKE_PREFIX_PATH COLCON_PREFIX_PATH
unset ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION
# What the ROS 2 wheels set when a Python of any environment starts; that one need not be ours.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE
# The wheels have Fast DDS alone.
[ "${RMW_IMPLEMENTATION:-rmw_fastrtps_cpp}" = rmw_fastrtps_cpp ] || unset RMW_IMPLEMENTATION

export VIRTUAL_ENV=$_dvd_root/.venv
export AMENT_PREFIX_PATH=$VIRTUAL_ENV
case ":$PATH:" in
  ":$VIRTUAL_ENV/bin:"*) ;;
  *) export PATH=$VIRTUAL_ENV/bin:$PATH ;;
esac

# Fast DDS's default transports lose every best-effort image. Where discovery is confined to LOCALHOST
# Fast DDS ignores the choice of transports, so that is left at ROS 2's own default.
export FASTDDS_BUILTIN_TRANSPORTS=${FASTDDS_BUILTIN_TRANSPORTS:-LARGE_DATA}
export ROS_LOG_DIR=${ROS_LOG_DIR:-$_dvd_root/out/log}
unset _dvd_root
