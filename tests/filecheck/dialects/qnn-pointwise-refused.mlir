// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: the table is 1x3, it must be 1x4 or 2x4 for !pq.tensor<?x2x8x8xui2, 0.5>
func.func @f(%x: !pq.tensor<?x2x8x8xui2, 0.5>) {
  %t = blob.constant <"map for 3 elements", "59d3a25d079badc3"> : tensor<1x3xsi8>
  %0 = qnn.map %x, %t : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x3xsi8> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is 2x4, it must be 1x4 or 3x4 for !pq.tensor<?x3x8x8xui2, 0.5>
func.func @f(%x: !pq.tensor<?x3x8x8xui2, 0.5>) {
  %t = blob.constant <"map for 2 channels", "d290271837005ed8"> : tensor<2x4xsi8>
  %0 = qnn.map %x, %t : !pq.tensor<?x3x8x8xui2, 0.5>, tensor<2x4xsi8> -> !pq.tensor<?x3x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is 1x4, it must be 1x8 or 2x8 for !pq.tensor<?x2x8x8xui3, 0.5>
func.func @f(%x: !pq.tensor<?x2x8x8xui3, 0.5>) {
  %t = blob.constant <"map", "2a04a379e29feb61"> : tensor<1x4xsi8>
  %0 = qnn.map %x, %t : !pq.tensor<?x2x8x8xui3, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<1x4xsi8>, its elements must be those of ui8
func.func @f(%x: !pq.tensor<?x2x8x8xui2, 0.5>) {
  %t = blob.constant <"map", "2a04a379e29feb61"> : tensor<1x4xsi8>
  %0 = qnn.map %x, %t : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the table holds values from -8 to -5, si3 allows -4 to 3
func.func @f(%x: !pq.tensor<?x2x8x8xui2, 0.5>) {
  %t = blob.constant <"map", "2a04a379e29feb61"> : tensor<1x4xsi8>
  %0 = qnn.map %x, %t : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x8x8xsi3, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the operand is !pq.tensor<?x2x8x8xui2, 0.5>, the result !pq.tensor<?x128xsi8, 0.5>: they must have one shape
func.func @f(%x: !pq.tensor<?x2x8x8xui2, 0.5>) {
  %t = blob.constant <"map", "2a04a379e29feb61"> : tensor<1x4xsi8>
  %0 = qnn.map %x, %t : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x128xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is not a blob.constant
func.func @f(%x: !pq.tensor<?x2x8x8xui2, 0.5>, %t: tensor<1x4xsi8>) {
  %0 = qnn.map %x, %t : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the left operand is !pq.tensor<?x128xui8, 0.5>, the result !pq.tensor<?x2x8x8xsi8, 0.5>: they must have one shape
func.func @f(%x: !pq.tensor<?x128xui8, 0.5>, %y: !pq.tensor<?x128xui8, 0.5>) {
  %0 = qnn.multiply %x, %y multiplier 1 shift 0 clip [-128, 127] : !pq.tensor<?x128xui8, 0.5>, !pq.tensor<?x128xui8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the right operand is !pq.tensor<?x2x8x4xsi8, 0.5>, the left one !pq.tensor<?x2x8x8xsi8, 0.5>: each dimension must be the same or 1
func.func @f(%x: !pq.tensor<?x2x8x8xsi8, 0.5>, %y: !pq.tensor<?x2x8x4xsi8, 0.5>) {
  %0 = qnn.multiply %x, %y multiplier 1 shift 0 clip [-128, 127] : !pq.tensor<?x2x8x8xsi8, 0.5>, !pq.tensor<?x2x8x4xsi8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the right operand is !pq.tensor<?x2xsi8, 0.5>, the left one !pq.tensor<?x2x8x8xsi8, 0.5>: each dimension must be the same or 1
func.func @f(%x: !pq.tensor<?x2x8x8xsi8, 0.5>, %y: !pq.tensor<?x2xsi8, 0.5>) {
  %0 = qnn.multiply %x, %y multiplier 1 shift 0 clip [-128, 127] : !pq.tensor<?x2x8x8xsi8, 0.5>, !pq.tensor<?x2xsi8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier = 2147483648, allowed are -2147483648 to 2147483647
func.func @f(%x: !pq.tensor<?x2x8x8xsi8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.5>) {
  %0 = qnn.multiply %x, %y multiplier 2147483648 shift 0 clip [-128, 127] : !pq.tensor<?x2x8x8xsi8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = 41, allowed are 0 to 40
func.func @f(%x: !pq.tensor<?x2x8x8xsi8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.5>) {
  %0 = qnn.multiply %x, %y multiplier 1 shift 41 clip [-128, 127] : !pq.tensor<?x2x8x8xsi8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [-129, 127] must be two bounds in [-128, 127], the range of si8
func.func @f(%x: !pq.tensor<?x2x8x8xsi8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.5>) {
  %0 = qnn.multiply %x, %y multiplier 1 shift 0 clip [-129, 127] : !pq.tensor<?x2x8x8xsi8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}
