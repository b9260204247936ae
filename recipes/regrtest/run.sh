# Runs one test of CPython's: /python/bin/python3 -m test TEST. regrtest tells of cases in JUnit XML, but not of a test that is
# skipped as a whole.
test=$1
{
    status=0
    /python/bin/python3 -m test --junit-xml=/report/junit.xml "$test" 2>&1 || status=$?
    echo "$status" > /tmp/status
} | tee /tmp/log
status=$(cat /tmp/status)
if [ -e /report/junit.xml ] || ! grep -q "^$test skipped -- " /tmp/log; then
    exit "$status"
fi
why=$(sed -n "s/^$test skipped -- //p" /tmp/log | head -n 1 | sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g')
cat > /report/junit.xml <<END
<testsuites><testsuite name="$test"><testcase name="$test"><skipped message="$why"/></testcase></testsuite></testsuites>
END
