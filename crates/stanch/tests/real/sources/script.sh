x=$(echo a; (echo b | cat))
echo "$x" | sort | tr a-z A-Z
for i in 1 2 3; do
    ( exit $i ) || echo "status $?"
done
declare -A map=([one]=1 [two]=2)
echo "${map[two]}" "$(( ${map[one]} + 41 ))"
text=$(printf '%s,' {1..200})
echo "${#text}"
ls /nonexistent
exit 4
